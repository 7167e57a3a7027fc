"""One news feed: asked when it is due, and only for what changed."""

import asyncio
import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import FeedError, FeedInvalid
from isbitcoinlit.feeds.health import FeedHealth, FeedReport
from isbitcoinlit.feeds.http import Answer, Limits, conditions, fetch
from isbitcoinlit.feeds.live.rss import Item, parse_rss
from isbitcoinlit.feeds.live.scorer import Scorer
from isbitcoinlit.feeds.live.sentiment import WINDOW
from isbitcoinlit.models import Headline, Visit

EVERY = 900.0
"""Seconds between two visits where the setting names no number."""
LIMITS = Limits(total=5, body=2_000_000)

_BITCOIN = re.compile(r"\b(?:bitcoin|btc)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NewsAddress:
    """Where a news feed is, and how often it may be asked."""

    url: str
    every: float
    """Seconds."""

    @classmethod
    def parse(cls, text: str) -> "NewsAddress":
        """An entry of the setting: an address, and after a blank the seconds."""
        url, _, seconds = text.partition(" ")
        return cls(url, float(seconds or EVERY))

    @property
    def name(self) -> str:
        """What people call the feed: host and port."""
        return urlsplit(self.url).netloc.rpartition("@")[2].removeprefix("www.")

    @property
    def about_bitcoin(self) -> bool:
        """Whether everything in it is about Bitcoin: the feed of a tag says so in its path."""
        return bool(_BITCOIN.search(urlsplit(self.url).path))


class NewsFeed:
    """Visits one address, and turns what is new there into headlines."""

    def __init__(
        self,
        address: NewsAddress,
        name: str,
        client: httpx.AsyncClient,
        scorer: Scorer,
        clock: Clock,
    ) -> None:
        self.address = address
        self.name = name
        self.health = FeedHealth(
            name, clock, interval=address.every, stale_after=WINDOW.total_seconds()
        )
        self._client = client
        self._scorer = scorer
        self._clock = clock
        self._last: Visit | None = None

    def due(self, last: Visit | None) -> bool:
        """Whether it is time to ask again, whichever process asked last."""
        self._last = last
        if last and not self.health.asked:
            self.health.recall(last.newest, last.time)
        return self._wait() == 0

    def report(self) -> FeedReport:
        """How the feed is doing."""
        return replace(self.health.report(), next_attempt_in=self._wait())

    def _wait(self) -> float:
        """Seconds until it may be asked again."""
        since = (self._clock.now() - self._last.time).total_seconds() if self._last else None
        # A last visit in the future is a clock that was set back.
        rest = 0.0 if since is None or since < 0 else max(0.0, self.address.every - since)
        return max(rest, self.health.wait)

    async def visit(self, last: Visit | None) -> tuple[Visit, list[Headline]] | None:
        """Ask for what is new; a failure is noted, and None."""
        try:
            answer = await fetch(
                self._client,
                self.address.url,
                last.conditions if last else {},
                clock=self._clock,
                limits=LIMITS,
            )
            visit, headlines = await self._read(answer, last)
        except FeedError as error:
            self.health.failed(error)
            return None
        self._last = visit
        self.health.succeeded(visit.newest)
        return visit, headlines

    async def _read(self, answer: Answer, last: Visit | None) -> tuple[Visit, list[Headline]]:
        now = self._clock.now()
        if answer.status == HTTPStatus.NOT_MODIFIED:
            if last is None:
                raise FeedInvalid(f"{self.name} answered 304 to a request without a condition.")
            return replace(last, time=now), []
        # In a thread, because 2 MB of hostile XML take most of a second.
        items = await asyncio.to_thread(parse_rss, answer.body, self.name)
        headlines = await asyncio.to_thread(self._score, items)
        newest = min(items[0].published, now)
        return Visit(now, newest, conditions(answer.headers)), headlines

    def _score(self, items: list[Item]) -> list[Headline]:
        """The items that are news about Bitcoin, with their mood; a future date becomes now."""
        now = self._clock.now().replace(microsecond=0)
        return [
            Headline(
                title=item.title,
                link=item.link,
                source=self.name,
                guid=item.guid,
                time=min(item.published, now),
                score=round(self._scorer.score(item.title), 4),
            )
            for item in items
            if now - item.published <= WINDOW
            and (self.address.about_bitcoin or _BITCOIN.search(item.title))
        ]

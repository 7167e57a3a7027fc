"""The headlines of all news feeds: each feed on its own clock, each headline once."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import httpx

from isbitcoinlit.clock import Clock
from isbitcoinlit.feeds.health import FeedReport
from isbitcoinlit.feeds.live.news_feed import NewsAddress, NewsFeed
from isbitcoinlit.feeds.live.scorer import Scorer
from isbitcoinlit.feeds.live.sentiment import WINDOW, Mood, in_window, mood, normalized
from isbitcoinlit.feeds.live.store import LiveStore
from isbitcoinlit.models import Headline, Visit

SILENCE = 2
"""Intervals of its own after which a news feed that has not answered is taken to be gone."""


class Headlines:
    """Keeps the window of headlines, in a store that outlives this process."""

    def __init__(
        self,
        addresses: Sequence[NewsAddress],
        store: LiveStore,
        client: httpx.AsyncClient,
        scorer: Scorer,
        clock: Clock,
    ) -> None:
        self._store = store
        self._clock = clock
        self._feeds = [
            NewsFeed(address, _name(address, addresses), client, scorer, clock)
            for address in addresses
        ]

    async def ask(self) -> Mood | None:
        """Visit the feeds that are due, and say what mood all headlines make.

        None when the headlines are too few, or nobody has answered for long. Raises a
        `StorageError` when what is remembered cannot be read.
        """
        if not self._feeds:
            return None
        now = self._clock.now()
        known, earlier = await self._store.load(now - WINDOW)
        visits, found = await self._visit(earlier)
        fresh = _unknown(found, known)
        if visits:
            await self._store.keep(fresh, visits, now)
        if not self._heard({**earlier, **visits}, now):
            return None
        return mood(in_window([*known, *fresh], self._clock.now()), self._clock.now())

    def _heard(self, visits: Mapping[str, Visit], now: datetime) -> bool:
        """Whether any news feed has answered lately; if none has, the mood would be an old one."""
        return any(
            now - visits[feed.address.url].time <= SILENCE * timedelta(seconds=feed.address.every)
            for feed in self._feeds
            if feed.address.url in visits
        )

    async def _visit(self, known: Mapping[str, Visit]) -> tuple[dict[str, Visit], list[Headline]]:
        """The visits made now, and what they found."""
        due = []
        for feed in self._feeds:
            last = known.get(feed.address.url)
            if feed.due(last):
                due.append((feed, last))
        answers = await asyncio.gather(*(feed.visit(last) for feed, last in due))
        made: dict[str, Visit] = {}
        found: list[Headline] = []
        for (feed, _), answer in zip(due, answers, strict=True):
            if answer:
                made[feed.address.url] = answer[0]
                found += answer[1]
        return made, found

    def reports(self) -> tuple[FeedReport, ...]:
        """How each news feed is doing."""
        return tuple(feed.report() for feed in self._feeds)


def _unknown(found: Iterable[Headline], known: Iterable[Headline]) -> list[Headline]:
    """The headlines whose title is new, and whose item is: an edited title is no news."""
    seen = {key for headline in known for key in _identities(headline)}
    fresh = []
    for headline in sorted(found, key=lambda headline: headline.time):
        keys = _identities(headline)
        if seen.isdisjoint(keys):
            fresh.append(headline)
            seen |= keys
    return fresh


def _identities(headline: Headline) -> set[tuple[str | datetime, ...]]:
    item = (headline.source, headline.guid, headline.time)
    return {(normalized(headline.title),), item}


def _name(address: NewsAddress, all_addresses: Sequence[NewsAddress]) -> str:
    """The host, and the path too where two feeds share a host."""
    alone = sum(address.name == other.name for other in all_addresses) == 1
    return address.name if alone else address.url.partition("://")[2].rpartition("@")[2]

"""The feed `live`: one reading from what exchanges and news say now."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isbitcoinlit.clock import Clock, from_milliseconds, to_milliseconds
from isbitcoinlit.errors import FeedUnavailable
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.health import FeedReport, FeedState
from isbitcoinlit.feeds.http import open_client
from isbitcoinlit.feeds.live.combine import Accepted, Combined, combine
from isbitcoinlit.feeds.live.headlines import Headlines
from isbitcoinlit.feeds.live.news_feed import NewsAddress
from isbitcoinlit.feeds.live.prices import Prices
from isbitcoinlit.feeds.live.scorer import Scorer
from isbitcoinlit.feeds.live.sentiment import Mood
from isbitcoinlit.feeds.live.store import LiveStore
from isbitcoinlit.models import Reading, SourcePrice

NAME = "live"


@dataclass(frozen=True, slots=True)
class LiveAddresses:
    """Where the live feed looks."""

    prices: Mapping[str, str]
    """By the name of the source; an empty address removes it."""
    news: Sequence[NewsAddress]


class Live:
    """Price and mood from whichever sources answer; either may be missing."""

    name = NAME

    def __init__(
        self,
        addresses: LiveAddresses,
        store: LiveStore,
        scorer: Scorer,
        clock: Clock,
        *,
        interval: float,
    ) -> None:
        self._clock = clock
        self._store = store
        self._client = open_client()
        self._prices = Prices(addresses.prices, self._client, clock, interval=interval)
        self._headlines = Headlines(addresses.news, store, self._client, scorer, clock)
        self._last: Accepted | None = None

    async def pull(self) -> Pull:
        """One reading, at the time of its newest price; without a price, at the present time.

        Raises `FeedUnavailable` when there is neither price nor mood, and a `StorageError` when
        what is remembered cannot be read.
        """
        prices, mood = await asyncio.gather(self._prices.ask(), self._headlines.ask())
        combined = await self._combine(prices)
        if combined.accepted is None and mood is None:
            raise FeedUnavailable(self._complaint(), retry_after=self._wait())
        reading = self._reading(combined.accepted, mood)
        fetched = len(prices) + (mood is not None)
        return Pull((reading,), fetched, combined.rejected, tuple(prices))

    async def _combine(self, prices: list[SourcePrice]) -> Combined:
        """One price, remembered as the one that the next has to agree with."""
        if self._last is None and (stored := await self._store.last_price()):
            self._last = Accepted(*stored)
        combined = combine(prices, self._last, self._clock.now())
        self._last = combined.accepted or self._last
        return combined

    def _reading(self, price: Accepted | None, mood: Mood | None) -> Reading:
        time = price.time if price else self._clock.now()
        return Reading(
            time=from_milliseconds(to_milliseconds(time)),
            price=round(price.price, 2) if price else None,
            sentiment=round(mood.mean, 4) if mood else None,
        )

    def reports(self) -> tuple[FeedReport, ...]:
        """How each source is doing."""
        return self._prices.reports() + self._headlines.reports()

    def _complaint(self) -> str:
        failing = [f"{r.name}: {r.last_error}" for r in self.reports() if r.last_error]
        if failing:
            return "No price and no mood; " + " ".join(failing)
        return "No price that can be believed, and too few headlines for a mood."

    def _wait(self) -> float:
        """Seconds until the first source may be asked again."""
        waits = [r.next_attempt_in for r in self.reports() if r.state is not FeedState.DISABLED]
        return min(waits, default=0.0)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

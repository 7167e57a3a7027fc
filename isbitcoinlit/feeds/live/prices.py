"""Asks all exchanges for their price at the same time."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import FeedError, FeedInvalid
from isbitcoinlit.feeds.health import FeedHealth, FeedReport, disabled
from isbitcoinlit.feeds.http import Limits, fetch
from isbitcoinlit.feeds.live import bitstamp, coinbase, kraken
from isbitcoinlit.feeds.live.combine import AHEAD, OLDEST
from isbitcoinlit.models import SourcePrice

READERS: Mapping[str, Callable[[bytes, datetime], SourcePrice]] = {
    kraken.NAME: kraken.read,
    bitstamp.NAME: bitstamp.read,
    coinbase.NAME: coinbase.read,
}
"""What makes a price of each source's answer; a new source is a file and a line here."""
LIMITS = Limits(total=5, body=100_000)
"""A ticker has under 1 kB; a slow exchange does not hold up the others for longer than this."""


class Prices:
    """The exchanges that have an address, and how each of them is doing."""

    def __init__(
        self, urls: Mapping[str, str], client: httpx.AsyncClient, clock: Clock, *, interval: float
    ) -> None:
        self._urls = urls
        self._client = client
        self._clock = clock
        self._healths = {
            name: FeedHealth(name, clock, interval=interval, stale_after=OLDEST.total_seconds())
            for name in READERS
            if urls.get(name)
        }

    async def ask(self) -> list[SourcePrice]:
        """What the exchanges say that answered; those that lately failed are left alone."""
        due = [name for name, health in self._healths.items() if health.wait == 0]
        answers = await asyncio.gather(*map(self._ask, due))
        return [answer for answer in answers if answer]

    async def _ask(self, name: str) -> SourcePrice | None:
        health = self._healths[name]
        try:
            answer = await fetch(self._client, self._urls[name], clock=self._clock, limits=LIMITS)
            price = READERS[name](answer.body, self._clock.now())
            if price.time - self._clock.now() > AHEAD:
                # Stored, it would be the newest for as long as it is in the future.
                raise FeedInvalid(f"{name} sent a price of the future ({price.time:%Y-%m-%d}).")
        except FeedError as error:
            health.failed(error)
            return None
        health.succeeded(price.time)
        return price

    def reports(self) -> tuple[FeedReport, ...]:
        """How each exchange is doing."""
        return tuple(
            self._healths[name].report() if name in self._healths else disabled(name)
            for name in READERS
        )

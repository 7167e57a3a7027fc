"""Archives become series: part by part, politely, and never the same part twice."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from redis.asyncio import Redis

from isbitcoinlit.clock import floor_hour
from isbitcoinlit.errors import FeedInvalid, FeedUnavailable
from isbitcoinlit.events.announcer import Announcer
from isbitcoinlit.events.hub import EventHub
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.feeds.archive.base import Archive
from isbitcoinlit.feeds.daily import fear_greed, senticrypt_daily
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import Metric, Reading
from isbitcoinlit.series.backfilled import Backfilled
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.series.store import Tell as Forget

PAUSE_SECONDS = 1.0
"""From one request to the next."""
TRIES = 6
"""For one request, before the archive is taken to be away for longer."""
LONGEST_WAIT = 60.0
"""Seconds between two tries where the upstream names no time."""

_UNTOLD = (fear_greed.NAME, senticrypt_daily.NAME)
"""Series beside those of feeds, of which no stream tells."""

_Answer = TypeVar("_Answer")

log = get_logger()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill has come."""

    parts: int = 0
    """Of the archive, in the range asked for."""
    done: int = 0
    """Parts that are stored or were found to be."""
    requests: int = 0
    added: int = 0
    """Readings that were new."""
    unusable: tuple[str, ...] = field(default=())
    """Parts that are not what they should be; they are asked for again the next time."""


Tell = Callable[[Progress], None]


class Backfill:
    """Stores archives in one Redis; interrupted at any point, it goes on from there."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        *,
        retention_seconds: int = 0,
        forget: Forget | None = None,
        pause: float = PAUSE_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`forget` hears of what was stored, so that no answer from before is given."""
        # A store of its own, since that of the refresh remembers what is recent.
        self._series = SeriesStore(redis, keys, retention_seconds=retention_seconds, tell=forget)
        self._rollups = Rollups(redis, keys)
        self._marks = Backfilled(redis, keys)
        self._announcer = Announcer(EventLog(redis, keys), EventHub())
        self._pause = pause
        self._sleep = sleep

    async def run(self, archive: Archive, tell: Tell = lambda _: None) -> Progress:
        """Store what is missing; raises a `FeedError` or a `StorageError`."""
        parts = await self._patiently(archive.parts)
        known = await self._marks.parts(archive.name)
        progress = Progress(parts=len(parts), done=len(known.intersection(parts)))
        tell(progress)
        try:
            for part in parts:
                if part not in known:
                    progress = await self._store(archive, part, progress)
                    tell(progress)
        finally:
            if progress.added and archive.feed not in _UNTOLD:
                await self._announcer.history(archive.feed)
        return progress

    async def _store(self, archive: Archive, part: str, progress: Progress) -> Progress:
        await self._sleep(self._pause)
        progress = replace(progress, done=progress.done + 1, requests=progress.requests + 1)
        try:
            pull = await self._patiently(lambda: archive.read(part))
        except FeedInvalid as error:
            log.warning(
                "backfill-part-unusable", archive=archive.name, part=part, reason=str(error)
            )
            return replace(progress, unusable=(*progress.unusable, part))
        readings = pull.readings
        if archive.only_gaps:
            readings = await self._gaps(archive.feed, readings)
        added = (await self._series.add(archive.feed, readings)).added if readings else 0
        # Only now: a crash before this line asks again, and storing twice changes nothing.
        if archive.closed(part):
            await self._marks.add(archive.name, part)
        return replace(progress, added=progress.added + added)

    async def _gaps(self, feed: str, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
        """The readings of hours in which the feed has no price."""
        if not readings:
            return ()
        hours = [floor_hour(reading.time) for reading in readings]
        found = (await self._rollups.hourly(feed, hours[0], hours[-1]))[Metric.PRICE]
        pairs = zip(hours, readings, strict=True)
        return tuple(reading for hour, reading in pairs if hour not in found)

    async def _patiently(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Ask until there is an answer, waiting for as long as the upstream wants."""
        for attempt in range(1, TRIES):
            try:
                return await ask()
            except FeedInvalid:
                raise
            except FeedUnavailable as error:
                backoff = min(self._pause * 2.0**attempt, LONGEST_WAIT) * random.uniform(0.9, 1)
                await self._sleep(max(backoff, error.retry_after or 0.0))
        return await ask()

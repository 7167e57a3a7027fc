"""Computes the snapshot of the feed that speaks from its series."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import NoData
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import Snapshot
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.snapshot.compute import compute, window

log = get_logger()


class SnapshotReader:
    """Reads what a snapshot needs, in two round trips whatever the length of the series."""

    def __init__(
        self,
        feed: str,
        series: SeriesStore,
        rollups: Rollups,
        clock: Clock,
        *,
        stale_after: float,
        others: Sequence[str] = (),
    ) -> None:
        self.feed = feed
        """Whose series the snapshot is computed from: the feed that speaks."""
        self.feeds = (feed, *others)
        """Whoever may speak; the first one that is fresh does."""
        self._chosen = not others
        self._series = series
        self._rollups = rollups
        self._clock = clock
        self._stale_after = timedelta(seconds=stale_after)

    async def choose(self) -> None:
        """Let the first feed speak whose newest stored reading is fresh; for between refreshes."""
        if len(self.feeds) > 1:
            times = await asyncio.gather(*map(self._newest, self.feeds))
            newest = dict(zip(self.feeds, times, strict=True))
            self.follow(speaker(newest, self._clock.now(), self._stale_after))

    def follow(self, feed: str) -> bool:
        """Let a feed speak, if it is one of ours; return whether it is."""
        if feed not in self.feeds:
            return False
        if feed != self.feed:
            log.warning("feed-switched", before=self.feed, now=feed)
        self.feed, self._chosen = feed, True
        return True

    async def read(self) -> Snapshot:
        """Compute the snapshot; raises `NoData` or a `StorageError`."""
        if not self._chosen:
            await self.choose()
        feed = self.feed
        newest = await self._series.newest(feed)
        if not newest:
            raise NoData(f"The feed {feed} has not given a reading yet.")
        as_of = max(time for time, _ in newest.values())
        averages = await self._rollups.hourly(feed, *window(as_of))
        return compute(feed, averages, as_of, self._clock.now(), self._stale_after)

    async def _newest(self, feed: str) -> datetime | None:
        newest = await self._series.newest(feed)
        return max((time for time, _ in newest.values()), default=None)


def speaker(newest: Mapping[str, datetime | None], now: datetime, stale_after: timedelta) -> str:
    """The first feed with fresh data; if none has, the one whose data is the newest."""
    times = {feed: time for feed, time in newest.items() if time is not None}
    fresh = (feed for feed, time in times.items() if now - time <= stale_after)
    latest = max(times, key=lambda feed: times[feed], default=next(iter(newest)))
    return next(fresh, latest)

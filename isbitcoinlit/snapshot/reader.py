"""Computes the snapshot of a feed from its series."""

from datetime import timedelta

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import NoData
from isbitcoinlit.models import Snapshot
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.snapshot.compute import compute, window


class SnapshotReader:
    """Reads what a snapshot needs, in two round trips whatever the length of the series."""

    def __init__(
        self, feed: str, series: SeriesStore, rollups: Rollups, clock: Clock, *, stale_after: float
    ) -> None:
        self.feed = feed
        """Whose series the snapshot is computed from."""
        self._series = series
        self._rollups = rollups
        self._clock = clock
        self._stale_after = timedelta(seconds=stale_after)

    async def read(self) -> Snapshot:
        """Compute the snapshot; raises `NoData` or a `StorageError`."""
        newest = await self._series.newest(self.feed)
        if not newest:
            raise NoData(f"The feed {self.feed} has not given a reading yet.")
        as_of = max(time for time, _ in newest.values())
        averages = await self._rollups.hourly(self.feed, *window(as_of))
        return compute(self.feed, averages, as_of, self._clock.now(), self._stale_after)

"""One pass of feed, series and snapshot: the only file that knows all three."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import FeedError, LeaseLost, NoData, RefreshBusy, StorageError
from isbitcoinlit.feeds.base import Feed, Pull
from isbitcoinlit.feeds.health import FeedHealth
from isbitcoinlit.lease import Lease
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import Snapshot
from isbitcoinlit.series.store import SeriesStore, Stored
from isbitcoinlit.snapshot import document
from isbitcoinlit.snapshot.cache import SnapshotCache
from isbitcoinlit.snapshot.memory import SnapshotMemory
from isbitcoinlit.snapshot.reader import SnapshotReader

TURN = 1.1
"""Intervals for which a finished refresh keeps other processes from beginning one."""
PATIENCE_SECONDS = 15.0
"""How long a forced refresh waits for one that another process is doing."""
PATIENCE_STEP_SECONDS = 0.1

log = get_logger()


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did."""

    feed: str
    fetched: int
    """Rows that the feed sent."""
    added: int
    already_stored: int
    rejected: Mapping[str, int]
    """Values not stored, by reason."""
    newest: datetime | None
    """Time of the newest reading that the feed sent."""
    duration_ms: float
    snapshot: Snapshot | None
    changed: bool
    """Whether the snapshot was computed anew, so that other processes should hear of it."""


def to_dict(report: RefreshReport) -> dict[str, Any]:
    """Return the report in the shape that `POST /refresh` and the command line give."""
    return {
        "feed": report.feed,
        "fetched": report.fetched,
        "added": report.added,
        "already_stored": report.already_stored,
        "rejected": dict(report.rejected),
        "newest": report.newest.isoformat() if report.newest else None,
        "duration_ms": report.duration_ms,
        "snapshot": document.to_dict(report.snapshot) if report.snapshot else None,
    }


@dataclass(frozen=True, slots=True)
class Stages:
    """The three stages of a refresh, and the memory that the last one fills."""

    feed: Feed
    series: SeriesStore
    reader: SnapshotReader
    memory: SnapshotMemory
    cache: SnapshotCache


class Refresher:
    """Does refreshes, one at a time in this process and in all processes of one Redis."""

    def __init__(
        self, stages: Stages, health: FeedHealth, lease: Lease, clock: Clock, *, interval: float
    ) -> None:
        self._stages = stages
        self._health = health
        self._lease = lease
        self._clock = clock
        self._interval = interval
        self._running: asyncio.Task[RefreshReport | None] | None = None
        self._storage_failed = False
        self.results: Counter[str] = Counter()
        """How many refreshes ended which way."""

    async def force(self) -> RefreshReport:
        """Refresh now, or join the refresh in flight.

        Raises a `FeedError`, a `StorageError`, or `RefreshBusy`.
        """
        give_up = self._clock.monotonic() + PATIENCE_SECONDS
        while self._clock.monotonic() < give_up:
            if report := await self._join(forced=True):
                return report
            await asyncio.sleep(PATIENCE_STEP_SECONDS)
        raise RefreshBusy("Another process has been refreshing for longer than a caller can wait.")

    async def take_turn(self) -> RefreshReport | None:
        """Refresh if it is this process's turn and the feed is not to be left alone.

        Raises a `FeedError` or a `StorageError`.
        """
        if self._health.wait > 0:
            return None
        report = await self._join(forced=False)
        if report:
            await self.share(report)
        return report

    async def share(self, report: RefreshReport) -> None:
        """Put the snapshot where other processes find it, unless they have it; never raises."""
        if report.snapshot and report.changed:
            try:
                await self._stages.cache.share(report.snapshot)
            except StorageError as error:
                log.warning("snapshot-not-shared", reason=str(error))

    async def leave(self) -> None:
        """Let another process have the next turn; for the end of this one."""
        try:
            await self._lease.leave()
        except StorageError as error:
            log.info("lease-left-to-expire", reason=str(error))

    async def _join(self, *, forced: bool) -> RefreshReport | None:
        if self._running is None:
            self._running = asyncio.create_task(self._run(forced=forced))
            self._running.add_done_callback(self._ran)
        return await asyncio.shield(self._running)

    def _ran(self, task: asyncio.Task[RefreshReport | None]) -> None:
        self._running = None
        if not task.cancelled():
            task.exception()  # Whoever joined has seen it; they may all have gone.

    async def cancel(self) -> None:
        """Give up the refresh in flight, and wait until it has let go of everything.

        When the caller waits no longer, it lets go without giving the lease back.
        """
        if self._running:
            self._running.cancel()
            try:
                await asyncio.wait([self._running])
            except asyncio.CancelledError:
                self._running.cancel()
                raise

    async def _run(self, *, forced: bool) -> RefreshReport | None:
        try:
            if not await self._lease.take(forced=forced):
                return None
            try:
                async with self._lease.renewed():
                    report = await self._pass()
            finally:
                await self._finish()
        except FeedError:
            self.results["feed-failed"] += 1
            raise
        except StorageError as error:
            self.results["storage-failed"] += 1
            self._report_storage(error)
            raise
        self.results["ok"] += 1
        self._report_storage(None)
        return report

    async def _finish(self) -> None:
        """Give the lease back; what cannot be given back expires."""
        try:
            await self._lease.finish(rest=max(self._interval * TURN, self._health.wait))
        except (LeaseLost, StorageError) as error:
            log.warning("lease-not-given-back", reason=str(error))

    async def _pass(self) -> RefreshReport:
        started = self._clock.monotonic()
        pull = await self._pull()
        stored = await self._stages.series.add(self._stages.feed.name, pull.readings)
        snapshot = await self._snapshot(stored)
        report = RefreshReport(
            feed=self._stages.feed.name,
            fetched=pull.fetched,
            added=stored.added,
            already_stored=stored.already_stored,
            rejected=dict(Counter(pull.rejected) + Counter(stored.rejected)),
            newest=pull.readings[-1].time if pull.readings else None,
            duration_ms=round((self._clock.monotonic() - started) * 1_000, 1),
            snapshot=snapshot,
            changed=stored.changed,
        )
        self._log(report)
        return report

    async def _pull(self) -> Pull:
        try:
            pull = await self._stages.feed.pull()
        except FeedError as error:
            self._health.failed(error)
            raise
        self._health.succeeded(pull.readings[-1].time if pull.readings else None)
        return pull

    async def _snapshot(self, stored: Stored) -> Snapshot | None:
        """Compute the snapshot if it may have changed, and remember it."""
        memory = self._stages.memory
        if memory.entry and not stored.changed:
            return memory.confirm()
        try:
            return memory.remember(await self._stages.reader.read())
        except NoData:
            return None

    def _log(self, report: RefreshReport) -> None:
        say = log.info if report.added or report.rejected else log.debug
        say(
            "refreshed",
            feed=report.feed,
            fetched=report.fetched,
            added=report.added,
            rejected=dict(report.rejected),
            newest=str(report.newest),
            duration_ms=report.duration_ms,
        )

    def _report_storage(self, error: StorageError | None) -> None:
        """Log that Redis went away or came back, once."""
        if (error is not None) is self._storage_failed:
            return
        self._storage_failed = error is not None
        if error:
            log.warning("redis-failing", reason=str(error))
        else:
            log.info("redis-restored")

"""One pass of feeds, series and snapshot: the only file that knows all three."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import FeedError, LeaseLost, NoData, RefreshBusy, StorageError
from isbitcoinlit.events.announcer import Announcer
from isbitcoinlit.intake.board import FeedBoard
from isbitcoinlit.intake.feeds import FeedOutcome, Intake, complaint
from isbitcoinlit.lease import Lease, Word
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import Snapshot
from isbitcoinlit.patience import ride_out
from isbitcoinlit.refresh_report import RefreshReport
from isbitcoinlit.signals import Signals
from isbitcoinlit.snapshot.cache import SnapshotCache
from isbitcoinlit.snapshot.memory import SnapshotMemory
from isbitcoinlit.snapshot.reader import SnapshotReader
from isbitcoinlit.tasks import end

TURN = 1.1
"""Intervals for which a finished refresh keeps other processes from beginning one."""
PATIENCE_SECONDS = 15.0
"""How long a forced refresh waits for one that another process is doing."""
PATIENCE_STEP_SECONDS = 0.1

log = get_logger()


@dataclass(frozen=True, slots=True)
class Stages:
    """The three stages of a refresh, and the memory that the last one fills."""

    intake: Intake
    reader: SnapshotReader
    memory: SnapshotMemory
    cache: SnapshotCache
    announcer: Announcer


class Refresher:
    """Does refreshes, one at a time in this process and in all processes of one Redis."""

    def __init__(
        self,
        stages: Stages,
        board: FeedBoard,
        lease: Lease,
        signals: Signals,
        clock: Clock,
        *,
        interval: float,
        patience: float = 0.0,
    ) -> None:
        self._stages = stages
        self._board = board
        self._lease = lease
        self._signals = signals
        self._clock = clock
        self._interval = interval
        self._patience = patience
        self._running: asyncio.Task[RefreshReport | None] | None = None
        self._storage_failed = False
        self._untold: list[RefreshReport] = []
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
        """Refresh if it is this process's turn and not all feeds are to be left alone.

        Raises a `FeedError` or a `StorageError`.
        """
        await self._tell_rest()
        if self._stages.intake.wait > 0:
            return None
        report = await self._join(forced=False)
        if report:
            await self.share(report)
        return report

    async def share(self, report: RefreshReport) -> None:
        """Tell others what is new, whoever of those who joined comes first; never raises."""
        if report not in self._untold:
            return
        self._untold.remove(report)
        await self._stages.announcer.readings({one.feed: one.readings for one in report.feeds})
        if report.snapshot and report.changed:
            try:
                await self._stages.cache.share(report.snapshot, self._lease.fence)
            except (LeaseLost, StorageError) as error:
                log.warning("snapshot-not-shared", reason=str(error))

    async def _tell_rest(self) -> None:
        """Share what all who joined left unshared, and tell what is owed; never raises."""
        for report in list(self._untold):
            await self.share(report)
        await self._stages.announcer.readings({})

    async def leave(self) -> None:
        """Let another process have the next turn; for the end of this one."""
        await self._tell_rest()
        try:
            self._signals.holds_lease = False
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
        # Whoever joined has seen how it ended; they may all have gone.
        if not task.cancelled() and not task.exception() and (report := task.result()):
            self._untold.append(report)

    async def cancel(self) -> None:
        """Give up the refresh in flight, and wait until it has let go of everything."""
        if self._running:
            self._running.cancel()
            try:
                await asyncio.wait([self._running])
            except asyncio.CancelledError:
                self._running.cancel()
                raise

    async def aclose(self) -> None:
        """Give up at once whatever still runs."""
        await end(self._running)

    async def _run(self, *, forced: bool) -> RefreshReport | None:
        try:
            self._signals.holds_lease = await self._lease.take(forced=forced)
            if not self._signals.holds_lease:
                return None
            if self._lease.left_untold:
                self._stages.announcer.owe()
            try:
                with self._stages.announcer.owing():
                    async with self._lease.renewed():
                        report = await self._pass(forced=forced)
            finally:
                await self._finish()
        except FeedError:
            self.results["feed-failed"] += 1
            raise
        except StorageError as error:
            self.results["storage-failed"] += 1
            self._signals.holds_lease = False  # What is not known to be so is not claimed.
            self._report_storage(error)
            raise
        except LeaseLost as error:
            # Whoever has it now does the same work; this process was stopped, or cut off.
            self.results["lease-lost"] += 1
            self._signals.holds_lease = False
            log.warning("lease-lost", reason=str(error))
            return None
        self.results["ok"] += 1
        self._report_storage(None)
        return report

    async def _finish(self) -> None:
        """Say how the feeds are, and give the lease back; what cannot be given back expires."""
        await self._stages.announcer.feeds(feed.report() for feed in self._stages.intake.feeds)
        try:
            rest = max(self._interval * TURN, self._stages.intake.wait)
            word = Word(self._board.key, self._board.write())
            await self._lease.finish(rest=rest, word=word)
        except (LeaseLost, StorageError) as error:
            self._signals.holds_lease = False
            log.warning("lease-not-given-back", reason=str(error))
        else:
            self._signals.wrote()

    async def _pass(self, *, forced: bool) -> RefreshReport:
        started = self._clock.monotonic()
        outcomes = await self._stages.intake.take(forced=forced, fence=self._lease.fence)
        reader = self._stages.reader
        await ride_out(self._patience, reader.choose)
        if all(outcome.error for outcome in outcomes):
            raise complaint(outcomes)
        # The feed that speaks may have failed, or have been left alone, while another one gave.
        said = next((o for o in outcomes if o.feed == reader.feed), FeedOutcome(reader.feed))
        snapshot, changed = await self._snapshot(changed=said.changed)
        report = RefreshReport(
            feed=said.feed,
            fetched=said.fetched,
            added=said.added,
            already_stored=said.already_stored,
            degraded=said.degraded,
            rejected=said.rejected,
            newest=said.newest,
            duration_ms=round((self._clock.monotonic() - started) * 1_000, 1),
            snapshot=snapshot,
            changed=changed,
            feeds=outcomes,
        )
        self._log(report)
        return report

    async def _snapshot(self, *, changed: bool) -> tuple[Snapshot | None, bool]:
        """The snapshot, and whether it had to be computed: only if it may have changed."""
        memory, reader = self._stages.memory, self._stages.reader
        if memory.entry and memory.entry.fresh.feed == reader.feed and not changed:
            return memory.confirm(), False
        try:
            return memory.remember(await ride_out(self._patience, reader.read)), True
        except NoData:
            return None, False

    def _log(self, report: RefreshReport) -> None:
        for outcome in report.feeds:
            say = log.info if outcome.readings or outcome.rejected else log.debug
            say(
                "refreshed",
                feed=outcome.feed,
                fetched=outcome.fetched,
                added=outcome.added,
                degraded=outcome.degraded,
                rejected=dict(outcome.rejected),
                newest=str(outcome.newest),
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

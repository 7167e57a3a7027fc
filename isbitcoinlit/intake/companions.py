"""What goes on beside the refresh: daily feeds are looked at, and gaps of the price are filled."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from isbitcoinlit.clock import HOUR, Clock, floor_hour
from isbitcoinlit.errors import IsBitcoinLitError, LeaseLost, StorageError
from isbitcoinlit.feeds.archive.base import Archive
from isbitcoinlit.feeds.archive.bitstamp_hours import BLOCK_HOURS
from isbitcoinlit.feeds.daily.base import LOOK_SECONDS, DailyFeed
from isbitcoinlit.intake.backfill import Backfill
from isbitcoinlit.intake.board import FeedBoard
from isbitcoinlit.intake.feeds import Intake
from isbitcoinlit.lease import Lease, Word
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import Metric
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.tasks import running

TURN = 1.1
"""Looks for which a finished one keeps other processes from looking."""
RETRY_SECONDS = 60.0
"""How soon a companion that failed is thought of again; its own backoff comes on top."""
GAP_HOURS = BLOCK_HOURS
"""How far back gaps are filled at a start; the command line fills older ones."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is needed to fill the hours in which the service was off."""

    archive: Archive
    backfill: Backfill
    rollups: Rollups


class Companions:
    """The daily feeds that stand beside the live feed, in one process at a time."""

    def __init__(
        self,
        feeds: Sequence[DailyFeed],
        disabled: Sequence[str],
        intake: Intake,
        board: FeedBoard,
        lease: Lease,
        clock: Clock,
        gaps: Gaps | None,
    ) -> None:
        self.feeds = feeds
        self.disabled = disabled
        """Names of those that a setting removed."""
        self.board = board
        self.watched = intake.feeds
        """How they are doing, as far as this process knows."""
        self._intake = intake
        self._lease = lease
        self._clock = clock
        self._gaps = gaps

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at once and then every hour, for the length of the block."""
        try:
            async with running(self._run()):
                yield
        finally:
            if self.feeds or self._gaps:
                with suppress(StorageError):
                    await self._lease.leave()

    async def _run(self) -> None:
        if not self.feeds and not self._gaps:
            return
        first = True
        while True:
            try:
                rest = await self._turn(first=first)
                first = False
            except IsBitcoinLitError as error:
                log.warning("companions-failing", reason=str(error))
                rest = RETRY_SECONDS
            except Exception:  # The edge of the loop: a defect here must not end it for good.
                log.exception("companions-crashed")
                rest = LOOK_SECONDS
            await asyncio.sleep(rest)

    async def _turn(self, *, first: bool) -> float:
        """Do the work, if no other process does; return the seconds until the next time."""
        if not await self._lease.take():
            return LOOK_SECONDS
        rest = RETRY_SECONDS
        try:
            async with self._lease.renewed():
                outcomes = await self._intake.take(fence=self._lease.fence)
                if first:
                    await self._fill_gaps()
            if not any(outcome.error for outcome in outcomes):
                rest = LOOK_SECONDS
        finally:
            with suppress(LeaseLost, StorageError):
                word = Word(self.board.key, self.board.write())
                await self._lease.finish(rest=rest * TURN, word=word)
        return rest

    async def _fill_gaps(self) -> None:
        """Fetch hourly prices, if the last weeks have an hour without one."""
        if self._gaps is None:
            return
        last = floor_hour(self._clock.now()) - HOUR
        first = last - GAP_HOURS * HOUR
        feed = self._gaps.archive.feed
        found = (await self._gaps.rollups.hourly(feed, first, last))[Metric.PRICE]
        missing = GAP_HOURS + 1 - len(found)
        if missing:
            try:
                progress = await self._gaps.backfill.run(self._gaps.archive)
            except IsBitcoinLitError as error:
                log.warning("gaps-not-filled", missing=missing, reason=str(error))
            else:
                log.info("gaps-filled", missing=missing, added=progress.added)

"""Begins a refresh every interval; nobody sets up cron."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from isbitcoinlit.errors import IsBitcoinLitError
from isbitcoinlit.log import get_logger
from isbitcoinlit.refresh import Refresher

JITTER = 0.05
"""Share of the interval by which a tick may come early or late, so that services spread out."""
FIRST_REFRESH_SECONDS = 1.0
"""How long a start waits for the first refresh, so that the first poll finds an answer."""
LAST_REFRESH_SECONDS = 0.3
"""How long a refresh in flight may still take when the service stops."""
LEAVE_SECONDS = 0.5
"""How long giving up and leaving the turn to others may take: a Redis that hangs would take 6 s."""

log = get_logger()


class RefreshScheduler:
    """Triggers refreshes; the refresh itself is a task of ours, not of APScheduler.

    APScheduler's own shutdown neither waits for a running job nor stops it at once.
    """

    def __init__(self, refresher: Refresher, *, interval: float) -> None:
        self._refresher = refresher
        self._interval = interval
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Refresh at once and then every interval, for the length of the block."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            self._tick,
            IntervalTrigger(seconds=self._interval, jitter=self._interval * JITTER, timezone=UTC),
            coalesce=True,
            misfire_grace_time=None,
        )
        scheduler.start()
        try:
            await self._tick()
            await self._wait(FIRST_REFRESH_SECONDS)
            yield
        finally:
            scheduler.shutdown(wait=False)
            await self._stop()

    async def _tick(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        try:
            await self._refresher.take_turn()
        except IsBitcoinLitError:
            pass  # Said already, by whoever noticed the change of state.
        except Exception:  # The edge of the loop: one failed refresh must not end the others.
            log.exception("refresh-crashed")

    async def _wait(self, seconds: float) -> None:
        if self._task:
            await asyncio.wait([self._task], timeout=seconds)

    async def _stop(self) -> None:
        """Let the refresh in flight finish, or give it up."""
        await self._wait(LAST_REFRESH_SECONDS)
        with suppress(TimeoutError):  # A lease that is not given back expires.
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._refresher.cancel()
                await self._refresher.leave()

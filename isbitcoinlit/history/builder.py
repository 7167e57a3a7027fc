"""Brings roll-ups up to date with what was stored before there were any, beside everything else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from isbitcoinlit.errors import LeaseLost, StorageError
from isbitcoinlit.lease import Lease
from isbitcoinlit.log import get_logger
from isbitcoinlit.series.rollup_backfill import RollupBackfill
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.tasks import running

RETRY_SECONDS = 5.0
"""Until the next try, while another process builds or Redis is away."""

log = get_logger()


class RollupBuilder:
    """Builds once, in one process at a time; whoever comes after goes on where it stopped."""

    def __init__(
        self, series: SeriesStore, backfill: RollupBackfill, feeds: Sequence[str], lease: Lease
    ) -> None:
        self._series = series
        self._backfill = backfill
        self._feeds = feeds
        self._lease = lease

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Build what is missing for the length of the block, if it takes that long."""
        async with running(self._build_in_the_end()):
            yield

    async def _build_in_the_end(self) -> None:
        while True:
            try:
                if await self._build():
                    return
            except (StorageError, LeaseLost) as error:
                log.warning("rollups-not-built", reason=str(error))
            except Exception:  # The edge of the loop: a defect here must not end it for good.
                log.exception("rollup-builder-crashed")
            await asyncio.sleep(RETRY_SECONDS)

    async def _build(self) -> bool:
        """Build what is missing; return whether that is nothing now."""
        missing = [feed for feed in self._feeds if not await self._backfill.is_complete(feed)]
        if not missing:
            return True
        if not await self._lease.take():
            return False
        try:
            async with self._lease.renewed():
                for feed in missing:
                    await self._series.prepare(feed)
                    await self._backfill.run(feed)
        finally:
            with suppress(StorageError, LeaseLost):
                await self._lease.finish()
        return True

"""Notices when the newest reading becomes too old, which no refresh would tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from isbitcoinlit.clock import Clock
from isbitcoinlit.events.announcer import Announcer
from isbitcoinlit.snapshot.memory import SnapshotMemory
from isbitcoinlit.tasks import running

LOOK_SECONDS = 1.0
"""How often to look; a look costs a comparison, and Redis only when something has changed."""


class FreshnessWatch:
    """Announces every change between fresh and stale, once among all processes."""

    def __init__(self, memory: SnapshotMemory, announcer: Announcer, clock: Clock) -> None:
        self._memory = memory
        self._announcer = announcer
        self._clock = clock

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch for the length of the block."""
        async with running(self._watch()):
            yield

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Announce how fresh the newest reading is, unless that was told last."""
        if self._memory.entry is None:
            return
        snapshot = self._memory.entry.at(self._clock.monotonic())
        await self._announcer.freshness(snapshot.feed, snapshot.as_of, stale=snapshot.stale)

"""Notices when the newest reading becomes too old, which no refresh would tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from isbitcoinlit.clock import Clock
from isbitcoinlit.events.announcer import Announcer
from isbitcoinlit.snapshot.memory import SnapshotMemory
from isbitcoinlit.tasks import running

LOOK_SECONDS = 1.0
"""How often to look; a look costs a comparison, and Redis only when something has changed."""


class FreshnessWatch:
    """Announces every change between fresh and stale, once among all processes.

    What this process has seen is announced once, whatever others say then: those whose clocks
    differ would contradict each other for ever. A reading that is fresh here is seen anew.
    """

    def __init__(self, memory: SnapshotMemory, announcer: Announcer, clock: Clock) -> None:
        self._memory = memory
        self._announcer = announcer
        self._clock = clock
        self._seen: tuple[str, datetime | None] | None = None
        """The feed, and the time of its newest reading if that was fresh."""

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
        """Announce how fresh the newest reading is, if that is news here and was not told last."""
        if self._memory.entry is None:
            return
        snapshot = self._memory.entry.at(self._clock.monotonic())
        seen = snapshot.feed, None if snapshot.stale else snapshot.as_of
        if seen == self._seen and self._announcer.knows_freshness(snapshot.feed):
            return
        if await self._announcer.freshness(snapshot.feed, snapshot.as_of, stale=snapshot.stale):
            self._seen = seen

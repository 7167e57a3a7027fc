"""The streams that are open: how many there may be, and how all of them end at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from isbitcoinlit.settings import Settings
from isbitcoinlit.web.problems import RETRY_SECONDS, ProblemError

LIFE_SECONDS = 600.0
"""How long a stream lives: clients come back where they were, and spread over new processes."""

_RETRY = {"Retry-After": str(RETRY_SECONDS)}


class OpenStreams:
    """Counts the streams of one process, by client address."""

    def __init__(self, settings: Settings, gauges: dict[str, float]) -> None:
        self._limit = settings.max_streams
        self._limit_per_client = settings.max_streams_per_client
        self._per_client: Counter[str] = Counter()
        self._ends: set[asyncio.Timeout] = set()
        self._gauges = gauges
        gauges["stream_clients"] = 0
        self._stopping = False

    @asynccontextmanager
    async def one_more(self, client: str) -> AsyncIterator[asyncio.Timeout]:
        """Hold a place for the length of the block, which a `TimeoutError` ends in time.

        Raises a problem when there is none: 503 `stopping` or `too-many-streams`, or 429.
        """
        self._check(client)
        self._per_client[client] += 1
        end = asyncio.timeout(LIFE_SECONDS)
        self._ends.add(end)
        self._gauges["stream_clients"] = len(self._ends)
        try:
            async with end:
                yield end
        finally:
            self._ends.discard(end)
            self._gauges["stream_clients"] = len(self._ends)
            self._per_client[client] -= 1
            if not self._per_client[client]:
                del self._per_client[client]

    def stop(self) -> None:
        """End all streams now, and begin no other."""
        self._stopping = True
        for end in self._ends:
            end_now(end)

    def _check(self, client: str) -> None:
        if self._stopping:
            raise ProblemError(503, "stopping", "The service is about to stop.", _RETRY)
        if len(self._ends) >= self._limit:
            detail = f"This process has its {self._limit} streams open. Poll /is-bitcoin-lit."
            raise ProblemError(503, "too-many-streams", detail, _RETRY)
        if self._per_client[client] >= self._limit_per_client:
            detail = f"Your address has {self._limit_per_client} streams open already."
            raise ProblemError(429, "too-many-streams", detail, _RETRY)


def end_now(end: asyncio.Timeout) -> None:
    """Let a deadline pass, unless it has."""
    if not end.expired():
        end.reschedule(asyncio.get_running_loop().time())

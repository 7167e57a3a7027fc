"""The streams that are open: how many there may be, and how all of them end at once."""

import asyncio
from collections import Counter
from types import TracebackType

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
        self._gauges = gauges
        gauges["stream_clients"] = 0
        self._gauges["stream_clients"] = 0
        self.ends: set[asyncio.Timeout] = set()
        self.stopping = False

    def take(self, client: str) -> "Place":
        """Take a place for a stream, which has to be given back.

        Raises a problem when there is none: 503 `stopping` or `too-many-streams`, or 429.
        """
        if self.stopping:
            raise ProblemError(503, "stopping", "The service is about to stop.", _RETRY)
        if self._gauges["stream_clients"] >= self._limit:
            detail = f"This process has its {self._limit} streams open. Poll /is-bitcoin-lit."
            raise ProblemError(503, "too-many-streams", detail, _RETRY)
        if self._per_client[client] >= self._limit_per_client:
            detail = f"Your address has {self._limit_per_client} streams open already."
            raise ProblemError(429, "too-many-streams", detail, _RETRY)
        self._per_client[client] += 1
        self._gauges["stream_clients"] += 1
        return Place(self, client)

    def leave(self, client: str) -> None:
        """Give back a place."""
        self._gauges["stream_clients"] -= 1
        self._per_client[client] -= 1
        if not self._per_client[client]:
            del self._per_client[client]

    def stop(self) -> None:
        """End all streams now, and begin no other."""
        self.stopping = True
        for end in self.ends:
            end_now(end)


class Place:
    """Where one stream lives: a block that a `TimeoutError` ends in time."""

    __slots__ = ("_client", "_end", "_streams")

    def __init__(self, streams: OpenStreams, client: str) -> None:
        self._streams = streams
        self._client = client
        self._end = asyncio.timeout(LIFE_SECONDS)

    async def __aenter__(self) -> asyncio.Timeout:
        """Begin the stream's life; the place is given back at its end."""
        await self._end.__aenter__()
        self._streams.ends.add(self._end)
        if self._streams.stopping:
            end_now(self._end)
        return self._end

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the place back."""
        self._streams.ends.discard(self._end)
        self.leave()
        await self._end.__aexit__(kind, error, traceback)

    def leave(self) -> None:
        """Give the place back, where no stream has begun."""
        self._streams.leave(self._client)


def end_now(end: asyncio.Timeout) -> None:
    """Let a deadline pass, unless it has."""
    if not end.expired():
        end.reschedule(asyncio.get_running_loop().time())

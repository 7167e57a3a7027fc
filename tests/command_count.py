"""What a Redis was asked to do, counted by the server itself."""

from collections import Counter
from typing import Any

from redis.asyncio import Redis

_OWN_COMMANDS = ("info", "client|setinfo", "hello")
"""Sent to count, or to open a connection."""


class CommandCount:
    """The commands, and the requests they came in, since the count was begun."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._calls: Counter[str] = Counter()
        self._reads = 0

    async def begin(self) -> None:
        """Count from here; connections that are opened later count as round trips."""
        self._calls, self._reads = await self._read()

    async def commands(self) -> dict[str, int]:
        """How often each command was called since then, from within scripts included."""
        calls, _ = await self._read()
        return dict(calls - self._calls)

    async def round_trips(self) -> int:
        """How often the server read from a client since then."""
        _, reads = await self._read()
        return reads - self._reads - 1

    async def _read(self) -> tuple[Counter[str], int]:
        # One command, so that counting costs one read.
        info: dict[str, Any] = await self._redis.info("everything")
        calls = Counter(
            {
                name.removeprefix("cmdstat_").lower(): values["calls"]
                for name, values in info.items()
                if name.startswith("cmdstat_")
            }
        )
        for name in _OWN_COMMANDS:
            del calls[name]
        return calls, info["total_reads_processed"]

"""What Redis was made to do, read from Redis itself."""

from dataclasses import dataclass
from typing import Any

from redis import Redis


@dataclass(frozen=True, slots=True)
class Usage:
    """Commands by name, between two looks."""

    calls: dict[str, int]
    microseconds: dict[str, float]
    """Processor time of the server."""

    def total_microseconds(self) -> float:
        """Return the processor time of all commands but our own questions."""
        return sum(time for name, time in self.microseconds.items() if name != "info")


class CommandStats:
    """Counts from the moment it is made, or last asked."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(redis_url, decode_responses=True)
        self._last = self._read()

    def since(self) -> Usage:
        """Return what happened since the last look."""
        before, self._last = self._last, self._read()
        calls, microseconds = {}, {}
        for name, now in self._last.items():
            earlier = before.get(name, {"calls": 0, "usec": 0})
            if now["calls"] > earlier["calls"]:
                calls[name] = now["calls"] - earlier["calls"]
                microseconds[name] = now["usec"] - earlier["usec"]
        return Usage(calls, microseconds)

    def _read(self) -> dict[str, Any]:
        stats: dict[str, Any] = self._redis.info("commandstats")
        return {name.removeprefix("cmdstat_").lower(): value for name, value in stats.items()}

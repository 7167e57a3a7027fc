"""Sends samples: only while the fence stands, and counted by replicas if that is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError

from isbitcoinlit.errors import LeaseLost
from isbitcoinlit.fence import FENCED, GUARD, NO_FENCE, Fence
from isbitcoinlit.redis_client import redis_errors, translate

WAIT_MILLISECONDS = 1_000
"""How long replicas may take; below the time after which a connection counts as dead."""

# KEYS: the fence, what is untold (or the fence again), then the series. ARGV: the fence's value,
# then series (by number), time, value. Atomic, so that nobody can take the lease between the look
# and the write.
_MADD = (
    GUARD
    + """
if KEYS[2] ~= KEYS[1] then redis.call('SET', KEYS[2], ARGV[1]) end
local samples = {}
for i = 2, #ARGV, 3 do
    samples[i - 1] = KEYS[ARGV[i] + 2]
    samples[i] = ARGV[i + 1]
    samples[i + 1] = ARGV[i + 2]
end
return redis.call('TS.MADD', unpack(samples))
"""
)
_DIGEST = sha1(_MADD.encode(), usedforsecurity=False).hexdigest()

Row = tuple[int, str, float]
"""Milliseconds, the key of the series, the value."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch."""

    replies: Sequence[Any]
    """One for each row; one that is a `ResponseError` was not taken."""
    replicated: bool
    """Whether as many replicas as wanted have it."""


class SampleWriter:
    """Writes batches, each in one round trip."""

    def __init__(self, redis: Redis, *, min_replicas: int = 0) -> None:
        self._redis = redis
        self._min_replicas = min_replicas

    async def write(self, rows: Sequence[Row], fence: Fence = NO_FENCE) -> Written:
        """Add samples; raises `LeaseLost` at a fence that has been raised, or a `StorageError`."""
        with redis_errors():
            try:
                replies, *acknowledged = await self._send("EVALSHA", _DIGEST, rows, fence)
            except NoScriptError:
                replies, *acknowledged = await self._send("EVAL", _MADD, rows, fence)
        if isinstance(replies, ResponseError):
            raise translate(replies) from replies
        counted = [n for n in acknowledged if isinstance(n, int)]  # Or why they could not be.
        return Written(replies, not acknowledged or max(counted, default=0) >= self._min_replicas)

    async def _send(self, command: str, script: str, rows: Sequence[Row], fence: Fence) -> Any:
        series = list(dict.fromkeys(key for _, key, _ in rows))
        numbers = {key: number for number, key in enumerate(series, start=1)}
        arguments = [part for at, key, value in rows for part in (numbers[key], at, value)]
        pipe = self._redis.pipeline(transaction=False)
        pipe.execute_command(
            command,
            script,
            len(series) + 2,
            fence.key or series[0],
            fence.untold or fence.key or series[0],
            *series,
            fence.value,
            *arguments,
        )
        if self._min_replicas:
            # Replicas are counted for what this connection wrote: it must be the same one.
            pipe.execute_command("WAIT", self._min_replicas, WAIT_MILLISECONDS)
        replies = await pipe.execute(raise_on_error=False)
        first = replies[0]
        if isinstance(first, NoScriptError):
            raise first
        if isinstance(first, ResponseError) and FENCED in str(first):
            raise LeaseLost("Another process took the lease while the work was still going on.")
        return replies

"""Waits while Redis replaces its primary, for those who can wait: refreshes, never polls."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis

from isbitcoinlit.errors import RedisRefused, RedisUnavailable
from isbitcoinlit.redis_client import finder_of

FAILOVER_SECONDS = 15.0
"""Sentinel with a down-after of 1 s needs 2 to 3 s, a Cluster with a timeout of 2 s about 4 s."""
STEP_SECONDS = 0.25

T = TypeVar("T")


def patience_for(redis: Redis) -> float:
    """Return how many seconds a failover may take; a single server has none to wait for."""
    return FAILOVER_SECONDS if finder_of(redis) else 0.0


async def ride_out(patience: float, do: Callable[[], Awaitable[T]]) -> T:
    """Do what may be done twice, again until it succeeds or patience (in seconds) is at its end.

    Raises what it raised last; what does not pass by waiting is raised at once.
    """
    clock = asyncio.get_running_loop().time
    give_up = clock() + patience
    while True:
        try:
            return await do()
        except RedisRefused:
            raise
        except RedisUnavailable:
            if clock() + STEP_SECONDS >= give_up:
                raise
        await asyncio.sleep(STEP_SECONDS)

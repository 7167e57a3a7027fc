"""Adds up what the processes of one service count, so that any of them can tell it all.

Each process counts in numbers that only grow, and sends what they grew by; a process that dies
takes nothing back, and a scrape through any process sees the same totals.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys

KEEP_SECONDS = 86_400
"""How long the numbers of a service that has stopped are kept."""
GAUGE_SECONDS = 10.0
"""After so long without a word from a process, its gauges are those of a process that died."""
LATEST = frozenset({"last_write_timestamp_seconds"})
"""Gauges of which the largest is told, and not the sum."""

Totals = dict[str, float]
"""Numbers by `name|label|label`."""


class Counters:
    """The numbers of all processes that answer at one host and port."""

    def __init__(
        self, redis: Redis, keys: Keys, clock: Clock, *, instance: str, count: Callable[[], Totals]
    ) -> None:
        self._redis = redis
        self._clock = clock
        self._count = count
        self._totals_key = keys.usage("totals", instance)
        self._gauges_key = keys.usage("gauges", instance)
        self._process = secrets.token_hex(4)
        self._sent: Totals = {}
        self._last: Totals = {}

    async def settle(self, gauges: Mapping[str, float]) -> Mapping[str, float]:
        """Send what has grown since the last time and return it; raises `RedisUnavailable`."""
        counted = self._count()
        grown = {name: n - self._sent.get(name, 0) for name, n in counted.items()}
        grown = {name: n for name, n in grown.items() if n}
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for name, n in grown.items():
                pipe.hincrbyfloat(self._totals_key, name, n)
            pipe.expire(self._totals_key, KEEP_SECONDS)
            if gauges:
                told = json.dumps([self._clock.now().timestamp(), dict(gauges)])
                pipe.hset(self._gauges_key, self._process, told)
                pipe.expire(self._gauges_key, KEEP_SECONDS)
            await pipe.execute()
        self._sent = counted
        return grown

    async def read(self) -> tuple[Totals, Totals]:
        """Return all processes' totals and gauges.

        Raises `RedisUnavailable`; `unshared` has what is known then.
        """
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            pipe.hgetall(self._totals_key)
            pipe.hgetall(self._gauges_key)
            totals, gauges = await pipe.execute()
        self._last = {name: float(n) for name, n in totals.items()}
        return dict(self._last), self._sum(gauges.values())

    def unshared(self) -> Totals:
        """Return the totals last read, and what this process counted since."""
        totals = dict(self._last)
        for name, n in self._count().items():
            totals[name] = totals.get(name, 0) + n - self._sent.get(name, 0)
        return totals

    def _sum(self, told: Iterable[str]) -> Totals:
        oldest = self._clock.now().timestamp() - GAUGE_SECONDS
        sums: Totals = {}
        for text in told:
            with suppress(ValueError, TypeError, AttributeError):  # Unreadable is absent.
                at, gauges = json.loads(text)
                for name, n in gauges.items() if at >= oldest else ():
                    before = sums.get(name, 0)
                    sums[name] = max(before, n) if name in LATEST else before + float(n)
        return sums

"""The numbers of several processes, added up in a real Redis."""

from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from isbitcoinlit.errors import RedisUnavailable
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.usage.counters import GAUGE_SECONDS, Counters
from tests.manual_clock import ManualClock
from tests.own_redis import own_redis

pytestmark = pytest.mark.anyio


class Process:
    """One process, and what it has counted."""

    def __init__(self, redis: Redis, key_prefix: str, clock: ManualClock) -> None:
        self.counted: dict[str, float] = {}
        self.counters = Counters(
            redis, Keys(key_prefix), clock, instance="host:1", count=lambda: dict(self.counted)
        )


MakeProcess = Callable[[], Process]


@pytest.fixture
def process(redis: Redis, key_prefix: str, clock: ManualClock) -> MakeProcess:
    """Makes processes of one service."""
    return lambda: Process(redis, key_prefix, clock)


async def test_processes_add_up(process: MakeProcess) -> None:
    """Each process sends what grew, and any of them reads the sum of all."""
    a, b = process(), process()
    for n in (1, 2, 5):
        a.counted["requests|snapshot|200"] = n
        await a.counters.settle({})
    b.counted["requests|snapshot|200"] = 10
    assert await b.counters.settle({}) == {"requests|snapshot|200": 10}
    assert (await a.counters.read())[0] == {"requests|snapshot|200": 15}


async def test_a_dead_process_takes_nothing_back(process: MakeProcess) -> None:
    """The sum does not fall when a process dies and another one begins at nothing."""
    a = process()
    a.counted["refreshes|ok"] = 7
    await a.counters.settle({})
    b = process()
    b.counted["refreshes|ok"] = 1
    await b.counters.settle({})
    assert (await b.counters.read())[0] == {"refreshes|ok": 8}


async def test_gauges_are_of_the_living(process: MakeProcess, clock: ManualClock) -> None:
    """Gauges are summed over the processes that were heard of lately."""
    a, b = process(), process()
    await a.counters.settle({"stream_clients": 3})
    await b.counters.settle({"stream_clients": 4})
    assert (await a.counters.read())[1] == {"stream_clients": 7}
    clock.advance(GAUGE_SECONDS + 1)
    await b.counters.settle({"stream_clients": 4})
    assert (await a.counters.read())[1] == {"stream_clients": 4}


async def test_without_redis(key_prefix: str, clock: ManualClock) -> None:
    """While Redis is away a scrape tells the last sum and what this process counted since."""
    with own_redis() as server:
        async with connect(server.url) as redis:
            a = Process(redis, key_prefix, clock)
            a.counted["refreshes|ok"] = 7
            await a.counters.settle({})
            await a.counters.read()
            server.stop()
            a.counted["refreshes|ok"] = 9
            with pytest.raises(RedisUnavailable):
                await a.counters.settle({})
            assert a.counters.unshared() == {"refreshes|ok": 9}
            server.start()
            await a.counters.settle({})
            assert (await a.counters.read())[0] == {"refreshes|ok": 9}


async def test_of_last_writes_the_latest_counts(process: MakeProcess) -> None:
    """The newest write of any process is told, and the holders of the lease are added up."""
    a, b = process(), process()
    await a.counters.settle({"last_write_timestamp_seconds": 90.0, "lease_holder": 0.0})
    await b.counters.settle({"last_write_timestamp_seconds": 50.0, "lease_holder": 1.0})
    gauges = (await a.counters.read())[1]
    assert gauges == {"last_write_timestamp_seconds": 90.0, "lease_holder": 1.0}

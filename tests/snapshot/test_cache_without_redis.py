"""What polls get while Redis is away, or does not answer."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from isbitcoinlit.errors import RedisUnavailable
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.snapshot.cache import PAUSE_SECONDS, SnapshotCache
from isbitcoinlit.snapshot.memory import SnapshotMemory, Source
from tests.manual_clock import ManualClock
from tests.own_redis import OwnRedis
from tests.readings import readings
from tests.snapshot.conftest import MakeCache

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(own: OwnRedis) -> AsyncIterator[Redis]:
    """A client with the service's own time limits."""
    async with connect(own.url) as client:
        yield client


@pytest.fixture
async def cache(
    client: Redis, keys: Keys, make_cache: MakeCache, memory: SnapshotMemory
) -> AsyncIterator[SnapshotCache]:
    """A cache that has answered once, and whose answer is too old to be served unchecked."""
    await SeriesStore(client, keys).add("given", readings(10))
    cache = make_cache(client, memory)
    await cache.get()
    await cache.aclose()
    await client.delete(keys.snapshot)
    memory.distrust()
    yield cache
    await cache.aclose()


async def test_the_last_snapshot_is_served_marked_stale(
    own: OwnRedis, cache: SnapshotCache
) -> None:
    """While Redis is away polls get what was known last, and are told that it is stale."""
    own.stop()

    answer = await cache.get()

    assert answer.source is Source.STALE
    assert answer.snapshot.stale


async def test_the_last_snapshot_is_not_served_for_ever(
    own: OwnRedis, cache: SnapshotCache, clock: ManualClock
) -> None:
    """After an hour without Redis polls are told what is wrong."""
    own.stop()
    clock.advance(3_601)

    with pytest.raises(RedisUnavailable, match="Redis cannot be reached"):
        await cache.get()


async def test_an_outage_does_not_make_polls_wait(own: OwnRedis, cache: SnapshotCache) -> None:
    """After one poll found Redis away, the next ones are answered without asking it."""
    own.freeze()
    await cache.get()
    loop = asyncio.get_running_loop()
    began = loop.time()

    answers = [await cache.get() for _ in range(100)]

    assert loop.time() - began < 0.2
    assert {answer.source for answer in answers} == {Source.STALE}


async def test_a_redis_that_hangs_makes_nobody_wait(own: OwnRedis, cache: SnapshotCache) -> None:
    """A Redis that takes questions and answers none delays no poll by more than half a second."""
    own.freeze()
    loop = asyncio.get_running_loop()
    began = loop.time()

    answer = await cache.get()

    assert answer.source is Source.STALE
    assert loop.time() - began < 0.5


async def test_it_recovers_by_itself(own: OwnRedis, cache: SnapshotCache) -> None:
    """Once Redis is back polls are computed again."""
    own.stop(signal.SIGKILL)
    assert (await cache.get()).source is Source.STALE
    own.start()

    async with asyncio.timeout(PAUSE_SECONDS + 2):
        while (await cache.get()).source is Source.STALE:
            await asyncio.sleep(0.02)

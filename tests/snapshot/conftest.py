"""What the tests of the snapshot start from."""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import pytest
from redis.asyncio import Redis

from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.snapshot.cache import SnapshotCache
from isbitcoinlit.snapshot.memory import CachePolicy, SnapshotMemory
from isbitcoinlit.snapshot.reader import SnapshotReader
from tests.command_count import CommandCount
from tests.manual_clock import ManualClock
from tests.own_redis import OwnRedis, own_redis
from tests.readings import NOON

POLICY = CachePolicy(ttl=120, stale_after=600, serve_stale_for=3_600)


class MakeCache(Protocol):
    """Makes the cache of one more process."""

    def __call__(self, redis: Redis, memory: SnapshotMemory | None = None) -> SnapshotCache:
        """Make it, with a memory of its own if none is given."""


@pytest.fixture
def clock() -> ManualClock:
    """Noon, when the tests' readings begin."""
    return ManualClock(NOON)


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The names of the test's keys."""
    return Keys(key_prefix)


@pytest.fixture
def store(redis: Redis, keys: Keys) -> SeriesStore:
    """The test's series."""
    return SeriesStore(redis, keys)


@pytest.fixture
def memory(clock: ManualClock) -> SnapshotMemory:
    """A process's memory, empty."""
    return SnapshotMemory(clock, POLICY)


@pytest.fixture
async def make_cache(
    redis: Redis,  # noqa: ARG001 (named so that it is closed after the caches)
    keys: Keys,
    clock: ManualClock,
) -> AsyncIterator[MakeCache]:
    """Makes the cache of one more process."""
    made: list[SnapshotCache] = []

    def make(redis: Redis, memory: SnapshotMemory | None = None) -> SnapshotCache:
        series = SeriesStore(redis, keys)
        reader = SnapshotReader("given", series, Rollups(redis, keys), clock, stale_after=600)
        memory = memory or SnapshotMemory(clock, POLICY)
        made.append(SnapshotCache(redis, keys, reader, memory, POLICY))
        return made[-1]

    yield make
    for cache in made:
        await cache.aclose()


@pytest.fixture
def count(redis: Redis) -> CommandCount:
    """Counts what the server is asked to do."""
    return CommandCount(redis)


@pytest.fixture
def own() -> Iterator[OwnRedis]:
    """A Redis that the test may end or freeze."""
    with own_redis() as server:
        yield server

"""What the tests of events start from."""

from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from isbitcoinlit.events.log import EventLog
from isbitcoinlit.series.keys import Keys
from tests.own_redis import OwnRedis, own_redis


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The names of the test's keys."""
    return Keys(key_prefix)


@pytest.fixture
def events(redis: Redis, keys: Keys) -> EventLog:
    """The test's log of events."""
    return EventLog(redis, keys)


@pytest.fixture
def own() -> Iterator[OwnRedis]:
    """A Redis that the test may end or freeze."""
    with own_redis() as server:
        yield server

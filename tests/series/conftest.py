"""What the tests of the series start from."""

import pytest
from redis.asyncio import Redis

from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.store import SeriesStore
from tests.command_count import CommandCount


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The names of the test's keys."""
    return Keys(key_prefix)


@pytest.fixture
def store(redis: Redis, keys: Keys) -> SeriesStore:
    """The series of a process that has just started."""
    return SeriesStore(redis, keys)


@pytest.fixture
def count(redis: Redis) -> CommandCount:
    """Counts what the server is asked to do."""
    return CommandCount(redis)

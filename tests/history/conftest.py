"""What the tests of the past start from."""

import pytest
from redis.asyncio import Redis

from isbitcoinlit.history.cache import AnswerCache
from isbitcoinlit.series.keys import Keys
from tests.manual_clock import ManualClock


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The names of the test's keys."""
    return Keys(key_prefix)


@pytest.fixture
def cache(redis: Redis, keys: Keys, clock: ManualClock) -> AnswerCache:
    """The cache of one process."""
    return AnswerCache(redis, keys, clock)

"""What the tests of the past start from."""

from collections.abc import AsyncIterator

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
async def cache(redis: Redis, keys: Keys, clock: ManualClock) -> AsyncIterator[AnswerCache]:
    """The cache of one process."""
    cache = AnswerCache(redis, keys, clock)
    yield cache
    await cache.aclose()

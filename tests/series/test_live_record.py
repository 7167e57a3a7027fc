"""What the live feed remembers, in a real Redis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from isbitcoinlit.models import Headline, Reading, Visit
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.live_record import LiveRecord
from isbitcoinlit.series.store import SeriesStore

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
HEADLINE = Headline("Bitcoin \u2019up\u2019", "https://x.example/1", "x", "1", NOW, 0.25)
VISIT = Visit(NOW, NOW - timedelta(minutes=3), {"If-None-Match": '"1"'})


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The names of the test's keys."""
    return Keys(key_prefix)


@pytest.fixture
def record(redis: Redis, keys: Keys) -> LiveRecord:
    """The test's record."""
    return LiveRecord(redis, keys, window=DAY)


async def test_what_is_kept_comes_back(record: LiveRecord) -> None:
    """Headlines and visits survive as they are."""
    other = replace(HEADLINE, link=None, guid="2", time=NOW - timedelta(hours=1))
    fresh = Visit(NOW, None, {})
    await record.keep([HEADLINE, other], {"https://a": VISIT, "https://b": fresh}, NOW)

    headlines, visits = await record.load(NOW - DAY)

    assert headlines == [other, HEADLINE]
    assert visits == {"https://a": VISIT, "https://b": fresh}


async def test_what_is_out_of_the_window_is_dropped(
    record: LiveRecord, redis: Redis, keys: Keys
) -> None:
    """No title is kept for longer than it counts."""
    old = replace(HEADLINE, time=NOW - DAY)
    await record.keep([old, HEADLINE], {}, NOW)
    await record.keep([], {}, NOW + timedelta(minutes=1))

    assert await redis.zcard(keys.headlines) == 1


async def test_all_of_it_expires_together(record: LiveRecord, redis: Redis, keys: Keys) -> None:
    """A service that is switched off leaves no headlines, and no validators without them."""
    await record.keep([HEADLINE], {"https://a": VISIT}, NOW)
    await record.keep([], {"https://a": VISIT}, NOW)

    lives = [await redis.ttl(keys.headlines), await redis.ttl(keys.visits)]

    assert all(86_390 <= life <= 86_400 for life in lives)


@pytest.mark.parametrize("text", ["", "null", "{}", "[1]", '{"time":1}', '{"title":1,"time":"x"}'])
async def test_what_is_unreadable_is_absent(
    record: LiveRecord, redis: Redis, keys: Keys, text: str
) -> None:
    """Another version's record does no harm."""
    await record.keep([HEADLINE], {"https://a": VISIT}, NOW)
    await redis.zadd(keys.headlines, {text: NOW.timestamp() * 1_000})
    await redis.hset(keys.visits, "https://b", text)

    assert await record.load(NOW - DAY) == ([HEADLINE], {"https://a": VISIT})


async def test_the_last_price_is_the_series(record: LiveRecord, redis: Redis, keys: Keys) -> None:
    """After a restart a price has to agree with the last one that was stored."""
    before = await record.last_price()
    await SeriesStore(redis, keys).add("live", [Reading(NOW, 60_000.5, None)])

    assert before is None
    assert await record.last_price() == (NOW, 60_000.5)

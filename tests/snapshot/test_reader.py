"""The snapshot of what is stored, whatever is missing."""

import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import HOUR
from isbitcoinlit.models import Direction
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.snapshot.reader import SnapshotReader
from tests.command_count import CommandCount
from tests.manual_clock import ManualClock
from tests.readings import NOON, reading, readings

pytestmark = pytest.mark.anyio


@pytest.fixture
def reader(redis: Redis, keys: Keys, store: SeriesStore, clock: ManualClock) -> SnapshotReader:
    """Reads the snapshot of the test's series."""
    return SnapshotReader("given", store, Rollups(redis, keys), clock, stale_after=600)


async def test_a_feed_without_prices(reader: SnapshotReader, store: SeriesStore) -> None:
    """With one metric only the other is missing everywhere, flat, and nothing is lit."""
    await store.add("given", [reading(-3_600, None, 0.1), reading(0, None, 0.2)])

    snapshot = await reader.read()

    assert [hour.price for hour in snapshot.hours] == [None, None, None]
    assert [hour.sentiment for hour in snapshot.hours] == [None, 0.1, 0.2]
    assert snapshot.price_direction is Direction.FLAT
    assert snapshot.sentiment_direction is Direction.RISING
    assert not snapshot.is_bitcoin_lit


async def test_a_metric_that_fell_silent(reader: SnapshotReader, store: SeriesStore) -> None:
    """The newest reading of either metric says which hours are shown."""
    await store.add("given", [reading(-7_200), reading(0, 34_500.0, None)])

    snapshot = await reader.read()

    assert snapshot.as_of == NOON
    assert [hour.sentiment for hour in snapshot.hours] == [0.2, None, None]
    assert [hour.price for hour in snapshot.hours] == [34_000.0, None, 34_500.0]


async def test_the_hour_has_changed_since(
    reader: SnapshotReader, store: SeriesStore, clock: ManualClock
) -> None:
    """Just after the full hour the last hour shown is that of the newest reading."""
    await store.add("given", [reading(-1)])
    clock.advance(2)

    snapshot = await reader.read()

    assert snapshot.hours[-1].time == NOON - HOUR
    assert snapshot.hours[-1].partial
    assert not snapshot.stale


async def test_a_year_of_readings_costs_two_round_trips(
    reader: SnapshotReader, store: SeriesStore, redis: Redis
) -> None:
    """What lies before the three hours is not read."""
    await store.add("given", [reading(-31_536_000), *readings(300)])
    count = CommandCount(redis)
    await count.begin()

    await reader.read()

    assert await count.round_trips() == 2

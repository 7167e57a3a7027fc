"""Hourly averages as Redis computes them, against plain Python."""

from datetime import datetime, timedelta
from statistics import fmean

import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import HOUR, floor_hour
from isbitcoinlit.models import PAIR, Metric, Reading
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rollups import Average, HourlyAverages, Rollups
from isbitcoinlit.series.store import SeriesStore
from tests.command_count import CommandCount
from tests.readings import NOON, reading, readings

pytestmark = pytest.mark.anyio


@pytest.fixture
def rollups(redis: Redis, keys: Keys) -> Rollups:
    """Aggregations over the test's series."""
    return Rollups(redis, keys)


def in_python(given: list[Reading], metric: Metric, hour: datetime) -> tuple[float, int]:
    """The mean of a metric over an hour, and of how many values, without Redis."""
    values = [r.value(metric) for r in given if floor_hour(r.time) == hour]
    present = [value for value in values if value is not None]
    return fmean(present), len(present)


async def test_averages_equal_plain_python(store: SeriesStore, rollups: Rollups) -> None:
    """Each hour's mean and count are those of its readings, to 1e-9."""
    given = readings(700, first=-3_597.3, step=15.7)
    await store.add("given", given)

    found = await rollups.hourly("given", NOON - HOUR, NOON + HOUR)

    for metric in PAIR:
        assert list(found[metric]) == [NOON - HOUR, NOON, NOON + HOUR]
        for hour, average in found[metric].items():
            mean, samples = in_python(given, metric, hour)
            assert average.value == pytest.approx(mean, abs=1e-9)
            assert average.samples == samples


async def test_hours_are_full_hours(store: SeriesStore, rollups: Rollups) -> None:
    """The last millisecond of an hour belongs to it, and the next one does not."""
    given = [
        reading(seconds, price)
        for seconds, price in ((-0.001, 1), (0, 2), (3_599.999, 4), (3_600, 8))
    ]
    await store.add("given", given)

    found = await rollups.hourly("given", NOON, NOON)

    assert found[Metric.PRICE] == {NOON: Average(3.0, 2)}


async def test_an_hour_without_a_metric_is_absent(store: SeriesStore, rollups: Rollups) -> None:
    """Hours are joined by their time: what one metric lacks does not move the other."""
    await store.add("given", [reading(0, None), reading(3_600), reading(7_200, 3.0, None)])

    found = await rollups.hourly("given", NOON, NOON + 2 * HOUR)

    assert list(found[Metric.PRICE]) == [NOON + HOUR, NOON + 2 * HOUR]
    assert list(found[Metric.SENTIMENT]) == [NOON, NOON + HOUR]


async def test_no_series_is_no_averages(rollups: Rollups) -> None:
    """Before anything was stored there are no hours, and no error."""
    nothing: HourlyAverages = {Metric.PRICE: {}, Metric.SENTIMENT: {}}

    assert await rollups.hourly("given", NOON, NOON + HOUR) == nothing


async def test_all_averages_cost_one_round_trip(
    redis: Redis, store: SeriesStore, rollups: Rollups, count: CommandCount
) -> None:
    """Means and counts of both metrics come in one transaction."""
    await store.add("given", [reading(0)])
    await redis.ping()
    await count.begin()

    await rollups.hourly("given", NOON - timedelta(hours=2), NOON)

    assert await count.round_trips() == 1
    assert await count.commands() == {"multi": 1, "exec": 1, "ts.range": 4}

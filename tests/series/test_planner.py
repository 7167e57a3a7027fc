"""Buckets from roll-ups and from readings, against plain Python, in every order of writing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from isbitcoinlit.clock import HOUR_MILLISECONDS, from_milliseconds
from isbitcoinlit.models import Metric, Reading, Span
from isbitcoinlit.series.buckets import DAY_MILLISECONDS, ROLLED_UP, Interval, Part
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.planner import BucketReader
from isbitcoinlit.series.rollup_backfill import RollupBackfill
from isbitcoinlit.series.store import SeriesStore
from tests.command_count import CommandCount
from tests.series.model import Samples, buckets

pytestmark = pytest.mark.anyio

MONDAY = 1_625_443_200_000
"""2021-07-05, a Monday, in milliseconds."""
EVERYTHING = Span(Interval.WEEK.floor(MONDAY - 30 * DAY_MILLISECONDS), MONDAY + 70 * 604_800_000)

times = st.one_of(
    st.integers(0, 40 * 24 * 6).map(lambda tenth: MONDAY + tenth * 600_000),
    st.integers(0, 3 * HOUR_MILLISECONDS).map(lambda ms: MONDAY + ms),
    st.sampled_from([HOUR_MILLISECONDS, DAY_MILLISECONDS, 7 * DAY_MILLISECONDS]).flatmap(
        lambda width: st.integers(-2, 2).map(lambda off: MONDAY + width + off)
    ),
)
values = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 4))
batches = st.lists(st.dictionaries(times, values, min_size=1, max_size=12), max_size=8)


async def empty(redis: Redis, keys: Keys) -> None:
    """Delete what an example left."""
    names = [name async for name in redis.scan_iter(f"{{{keys.prefix}}}*")]
    if names:
        await redis.delete(*names)


async def write(store: SeriesStore, samples: Samples) -> None:
    """Ingest readings that have a price alone."""
    readings = [Reading(from_milliseconds(t), v, None) for t, v in sorted(samples.items())]
    await store.add("given", readings)


async def compare(redis: Redis, keys: Keys, expected: Samples) -> None:
    """Read every interval, each from what the planner picks, and hold it against the model."""
    reader = BucketReader(redis, keys)
    for interval in (Interval.HOUR, Interval.HOURS_4, Interval.DAY, Interval.WEEK, Interval.MINUTE):
        span = Span(interval.floor(EVERYTHING.begin), interval.ceil(EVERYTHING.end))
        found = await reader.read("given", [Metric.PRICE], interval, ROLLED_UP, span)
        wanted = buckets(expected, interval)
        assert list(found[Metric.PRICE]) == list(wanted), interval
        for start, bucket in found[Metric.PRICE].items():
            for part in ROLLED_UP:
                assert bucket[part] == pytest.approx(wanted[start][part], rel=1e-9, abs=1e-9), (
                    interval,
                    part,
                    start,
                )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=batches, after=batches)
async def test_every_order_of_writing(
    redis: Redis, keys: Keys, before: list[dict[int, float]], after: list[dict[int, float]]
) -> None:
    """Late, repeated and unordered readings, before and after the rules: all buckets are exact."""
    await empty(redis, keys)
    stored: dict[int, float] = {}
    key = keys.series("given", Metric.PRICE)
    await redis.ts().create(key, duplicate_policy="first")
    for batch in before:
        await redis.ts().madd([(key, time, value) for time, value in sorted(batch.items())])
        stored = batch | stored
    store = SeriesStore(redis, keys)
    half = len(after) // 2
    await store.prepare("given")
    for batch in after[:half]:
        await write(store, batch)
        stored = batch | stored
    await RollupBackfill(redis, keys).run("given")
    for batch in after[half:]:
        await write(store, batch)
        stored = batch | stored

    assert await redis.hexists(keys.rollups, key)
    await compare(redis, keys, stored)


async def test_long_buckets_cost_two_round_trips(
    redis: Redis, keys: Keys, store: SeriesStore, count: CommandCount
) -> None:
    """Days come from the roll-up of days, not from the readings."""
    await write(store, {MONDAY + i * HOUR_MILLISECONDS: float(i + 1) for i in range(500)})
    reader = BucketReader(redis, keys)
    span = Span(MONDAY, MONDAY + 21 * DAY_MILLISECONDS)
    await reader.read("given", [Metric.PRICE], Interval.DAY, [Part.SUM], span)
    await count.begin()

    found = await reader.read("given", [Metric.PRICE], Interval.DAY, [Part.SUM], span)

    assert await count.round_trips() == 2
    assert len(found[Metric.PRICE]) == 21
    assert found[Metric.PRICE][MONDAY][Part.SUM] == sum(range(1, 25))

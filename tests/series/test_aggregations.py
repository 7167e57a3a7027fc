"""Every aggregation of any range, whichever series it is read from, is plain Python's."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from math import fsum
from statistics import fmean, pstdev
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from isbitcoinlit.clock import from_milliseconds
from isbitcoinlit.models import PAIR, Metric, Reading, Span
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.buckets import Aggregation, Interval
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.planner import BucketReader
from isbitcoinlit.series.rollup_backfill import RollupBackfill
from isbitcoinlit.series.store import SeriesStore

HOUR = 3_600_000
DAY = 24 * HOUR
FIRST = 1_625_270_400_000
"""3 July 2021, 00:00 UTC, a Saturday: eleven days from here have two Mondays."""
LENGTH = 11 * DAY
MONDAY = 4 * DAY
"""The first one after the epoch, which was a Thursday."""
IN_PYTHON: Mapping[Aggregation, Callable[[Sequence[float]], float]] = {
    Aggregation.AVG: fmean,
    Aggregation.MIN: min,
    Aggregation.MAX: max,
    Aggregation.FIRST: lambda values: values[0],
    Aggregation.LAST: lambda values: values[-1],
    Aggregation.SUM: fsum,
    Aggregation.COUNT: len,
    Aggregation.RANGE: lambda values: max(values) - min(values),
    Aggregation.DEVIATION: pstdev,
}

TIMES = st.one_of(
    st.integers(0, LENGTH // 60_000).map(lambda minute: FIRST + minute * 60_000),
    # Around the borders of hours and days, where mistakes are made.
    st.builds(
        lambda hour, off: FIRST + hour * HOUR + off,
        st.integers(1, 263),
        st.sampled_from((-1, 0, 1)),
    ),
)
VALUES = st.floats(0.01, 100_000, allow_nan=False)
SCORES = st.floats(-1, 1, allow_nan=False)
READINGS = st.lists(
    st.tuples(TIMES, st.none() | VALUES, SCORES), min_size=1, max_size=40, unique_by=lambda r: r[0]
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """A loop for many examples in a row."""
    with asyncio.Runner() as runner:
        yield runner


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    given=READINGS,
    before=st.integers(0, 20),
    batch=st.integers(1, 9),
    interval=st.sampled_from(list(Interval)),
    cut=st.tuples(st.integers(0, 263), st.integers(1, 300)),
)
def test_any_order_of_readings(
    redis_url: str,
    loop: asyncio.Runner,
    given: list[tuple[int, float | None, float]],
    before: int,
    batch: int,
    interval: Interval,
    cut: tuple[int, int],
) -> None:
    """However readings come, some before there were rules, every aggregation is plain Python's."""
    readings = [Reading(from_milliseconds(t), price, score) for t, price, score in given]
    begin = interval.floor(FIRST + cut[0] * HOUR)
    span = Span(begin, interval.ceil(min(begin + cut[1] * HOUR, begin + 5_000 * interval.width)))

    loop.run(_check(redis_url, readings, before, batch, interval, span))


async def _check(
    url: str, readings: list[Reading], before: int, batch: int, interval: Interval, span: Span
) -> None:
    keys = Keys(f"test-{uuid4().hex}")
    async with connect(url, keys.prefix) as redis:
        await _store_without_rules(redis, keys, readings[:before])
        store = SeriesStore(redis, keys)
        await store.prepare("given")
        await RollupBackfill(redis, keys).run("given")
        for start in range(before, len(readings), batch):
            await store.add("given", readings[start : start + batch])
        await _agree(BucketReader(redis, keys), readings, interval, span)


async def _store_without_rules(redis: Redis, keys: Keys, readings: list[Reading]) -> None:
    """Store readings as a service without roll-ups did."""
    for metric in PAIR:
        await redis.ts().create(keys.series("given", metric), duplicate_policy="first")
        for reading in readings:
            if (value := reading.value(metric)) is not None:
                at = round(reading.time.timestamp() * 1_000)
                await redis.ts().add(keys.series("given", metric), at, value)


async def _agree(
    reader: BucketReader, readings: list[Reading], interval: Interval, span: Span
) -> None:
    for aggregation in Aggregation:
        found = await reader.read("given", PAIR, interval, aggregation.parts, span)
        for metric in PAIR:
            expected = _expected(readings, metric, interval, span, aggregation)
            given = {start: aggregation.of(bucket) for start, bucket in found[metric].items()}
            assert list(given) == list(expected)
            assert given == pytest.approx(expected, rel=1e-9, abs=1e-9)


def _expected(
    readings: list[Reading], metric: Metric, interval: Interval, span: Span, wanted: Aggregation
) -> dict[int, float]:
    samples = {
        round(reading.time.timestamp() * 1_000): value
        for reading in readings
        if (value := reading.value(metric)) is not None
    }
    inside = sorted((t, v) for t, v in samples.items() if span.begin <= t < span.end)
    origin = MONDAY if interval is Interval.WEEK else 0
    grouped = groupby(inside, key=lambda row: row[0] - (row[0] - origin) % interval.width)
    return {start: IN_PYTHON[wanted]([value for _, value in rows]) for start, rows in grouped}

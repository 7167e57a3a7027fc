"""Metrics on one clock, and what stands where nothing was read."""

import pytest

from isbitcoinlit.history.query import Fill, Range, SeriesQuery
from isbitcoinlit.history.rows import Row, align
from isbitcoinlit.models import PAIR, Metric, Span
from isbitcoinlit.series.buckets import Aggregation, Bucket, Interval, Part

HOUR = 3_600_000
NOW = 6 * HOUR - 1


def bucket(value: float, samples: int = 60) -> Bucket:
    """A bucket whose mean is the value."""
    return {Part.COUNT: samples, Part.SUM: value * samples}


def rows(prices: dict[int, Bucket], moods: dict[int, Bucket], fill: Fill = Fill.NULL) -> list[Row]:
    """Six hours from the epoch, of which the last one still runs; buckets by their hour."""
    asked = Range(Span(0, 6 * HOUR), Interval.HOUR, NOW)
    found = {
        Metric.PRICE: {hour * HOUR: b for hour, b in prices.items()},
        Metric.SENTIMENT: {hour * HOUR: b for hour, b in moods.items()},
    }
    return align(SeriesQuery("given", asked, Aggregation.AVG, PAIR, fill), found)


def prices(found: list[Row]) -> list[float | None]:
    """The price of each row."""
    return [row.values[Metric.PRICE] for row in found]


def test_metrics_are_joined_by_time() -> None:
    """An hour that one metric lacks has None there; nothing moves up."""
    found = rows({1: bucket(10), 2: bucket(20)}, {2: bucket(-0.5), 4: bucket(0.5)})

    assert prices(found) == [None, 10, 20, None, None, None]
    assert [row.values[Metric.SENTIMENT] for row in found] == [None, None, -0.5, None, 0.5, None]
    assert [row.samples[Metric.PRICE] for row in found] == [0, 60, 60, 0, 0, 0]
    assert [row.time for row in found] == [hour * HOUR for hour in range(6)]


def test_only_the_running_bucket_is_partial() -> None:
    """A bucket is partial until its last millisecond is over."""
    assert [row.partial for row in rows({}, {})] == [False] * 5 + [True]


def test_coverage_is_of_the_weaker_metric() -> None:
    """The share of 30-second steps with a reading, at most 1."""
    found = rows(
        {0: bucket(1, 120), 1: bucket(1, 104), 2: bucket(1, 500)},
        {0: bucket(0, 60), 1: bucket(0, 104), 2: bucket(0, 500)},
    )

    assert [row.coverage for row in found] == [0.5, 0.867, 1.0, 0.0, 0.0, 0.0]


def test_without_empty_rows() -> None:
    """With `none` a bucket without any reading has no row."""
    found = rows({1: bucket(10)}, {4: bucket(0.5)}, Fill.NONE)

    assert [row.time // HOUR for row in found] == [1, 4]


def test_the_value_before() -> None:
    """With `previous` a gap, and what follows the last value, has the value before, marked."""
    found = rows({1: bucket(10), 3: bucket(40)}, {}, Fill.PREVIOUS)

    assert prices(found) == [None, 10, 10, 40, 40, 40]
    assert [Metric.PRICE in row.filled for row in found] == [False, False, True, False, True, True]
    assert [row.samples[Metric.PRICE] for row in found] == [0, 60, 0, 60, 0, 0]


def test_a_line_between_values() -> None:
    """With `linear` a gap has a line through it; before and after the values there is none."""
    found = rows({1: bucket(10), 4: bucket(40)}, {2: bucket(-1), 4: bucket(0)}, Fill.LINEAR)

    assert prices(found) == pytest.approx([None, 10, 20, 30, 40, None])
    assert [row.values[Metric.SENTIMENT] for row in found] == [None, None, -1, -0.5, 0, None]
    assert [row.filled for row in found] == [
        frozenset(),
        frozenset(),
        {Metric.PRICE},
        {Metric.PRICE, Metric.SENTIMENT},
        frozenset(),
        frozenset(),
    ]


@pytest.mark.parametrize("fill", [Fill.PREVIOUS, Fill.LINEAR])
def test_nothing_comes_of_nothing(fill: Fill) -> None:
    """Without a value there is nothing to fill with."""
    assert prices(rows({}, {}, fill)) == [None] * 6

"""The snapshot's arithmetic."""

from datetime import UTC, datetime, timedelta

import pytest

from isbitcoinlit.clock import HOUR
from isbitcoinlit.models import Direction, HourlyAverage, Metric, Snapshot
from isbitcoinlit.series.rollups import Average, HourlyAverages
from isbitcoinlit.snapshot.compute import compute, direction, window
from tests.readings import NOON

Values = tuple[float | None, float | None, float | None]

AS_OF = NOON + timedelta(minutes=12)


def averages(prices: Values, sentiments: Values, samples: int = 120) -> HourlyAverages:
    """Averages of the hour of `AS_OF` and the two before it."""

    def by_hour(values: Values) -> dict[datetime, Average]:
        hours = (NOON - 2 * HOUR, NOON - HOUR, NOON)
        pairs = zip(hours, values, strict=True)
        return {hour: Average(value, samples) for hour, value in pairs if value is not None}

    return {Metric.PRICE: by_hour(prices), Metric.SENTIMENT: by_hour(sentiments)}


def computed(
    prices: Values, sentiments: Values = (0.1, 0.2, 0.3), age: timedelta = timedelta()
) -> Snapshot:
    """The snapshot of these averages, looked at when the newest reading has the given age."""
    hours = averages(prices, sentiments)
    return compute("given", hours, AS_OF, AS_OF + age, timedelta(minutes=10))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([99_999.5, 100_000.5], Direction.RISING),
        ([100_000.5, 99_999.5], Direction.FALLING),
        ([9.5, 10.5], Direction.RISING),
        ([-0.2, -0.1], Direction.RISING),
        ([-0.1, -0.2], Direction.FALLING),
        ([-0.1, 0.1], Direction.RISING),
        ([0.1, 0.9, 0.1], Direction.FLAT),
        ([0.0, -0.0], Direction.FLAT),
        ([None, 1.0, 2.0], Direction.RISING),
        ([2.0, None, 1.0], Direction.FALLING),
        ([1.0, 2.0, None], Direction.RISING),
        ([None, 1.0, None], Direction.FLAT),
        ([None, None, None], Direction.FLAT),
        ([], Direction.FLAT),
    ],
)
def test_a_direction_compares_numbers(values: list[float | None], expected: Direction) -> None:
    """First and last value are compared as numbers; hours without one do not count."""
    assert direction(values) is expected


@pytest.mark.parametrize(
    ("prices", "sentiments", "lit"),
    [
        ((1.0, 2.0, 3.0), (0.1, 0.2, 0.3), True),
        ((1.0, 2.0, 3.0), (0.3, 0.2, 0.1), False),
        ((3.0, 2.0, 1.0), (0.1, 0.2, 0.3), False),
        ((1.0, 2.0, 1.0), (0.1, 0.2, 0.3), False),
        ((1.0, 2.0, 3.0), (None, None, 0.3), False),
    ],
)
def test_lit_means_both_rise(prices: Values, sentiments: Values, lit: bool) -> None:
    """Bitcoin is lit when price and sentiment rise, and not when either is flat or falls."""
    assert computed(prices, sentiments).is_bitcoin_lit is lit


def test_hours_are_joined_by_time() -> None:
    """An hour that one metric lacks has no value there, and its neighbours keep theirs."""
    hours = computed((1.0, None, 3.0), (None, 0.2, 0.3)).hours

    assert hours == (
        HourlyAverage(NOON - 2 * HOUR, 1.0, None, 120, partial=False),
        HourlyAverage(NOON - HOUR, None, 0.2, 120, partial=False),
        HourlyAverage(NOON, 3.0, 0.3, 120, partial=True),
    )


def test_an_hour_without_readings_is_there() -> None:
    """A gap of a whole hour is an hour without values, not a missing one."""
    hours = computed((1.0, None, 3.0), (0.1, None, 0.3)).hours

    assert hours[1] == HourlyAverage(NOON - HOUR, None, None, 0, partial=False)


def test_samples_are_the_larger_number() -> None:
    """An hour has as many readings as the metric that has more."""
    hours: HourlyAverages = {
        Metric.PRICE: {NOON: Average(1.0, 7)},
        Metric.SENTIMENT: {NOON: Average(0.1, 9)},
    }

    snapshot = compute("given", hours, AS_OF, AS_OF, timedelta(minutes=10))

    assert snapshot.hours[-1].samples == 9


@pytest.mark.parametrize(
    ("age", "stale"), [(-30, False), (0, False), (600, False), (600.001, True)]
)
def test_stale_is_older_than_the_limit(age: float, stale: bool) -> None:
    """Ten minutes exactly are fresh, more are stale, and a clock that is behind changes nothing."""
    assert computed((1.0, 2.0, 3.0), age=timedelta(seconds=age)).stale is stale


@pytest.mark.parametrize(
    ("as_of", "last"),
    [
        ((12, 0, 0, 0), 12),
        ((12, 59, 59, 999_000), 12),
        ((13, 0, 0, 0), 13),
        ((1, 30, 0, 0), 1),
    ],
)
def test_the_window_ends_with_the_newest_hour(as_of: tuple[int, int, int, int], last: int) -> None:
    """Three full hours, of which the last holds the newest reading, also across midnight."""
    hour, minute, second, microsecond = as_of
    newest = datetime(2021, 7, 7, hour, minute, second, microsecond, tzinfo=UTC)
    end = datetime(2021, 7, 7, last, tzinfo=UTC)

    assert window(newest) == (end - 2 * HOUR, end)

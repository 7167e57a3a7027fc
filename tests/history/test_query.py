"""Which buckets a range has."""

import pytest

from isbitcoinlit.errors import ParameterInvalid, TooManyPoints
from isbitcoinlit.history.query import Range, find_range
from isbitcoinlit.models import Span
from isbitcoinlit.series.buckets import DAY_MILLISECONDS, Interval

HOUR = 3_600_000
NOON = 1_625_659_200_000
"""2021-07-07T12:00:00Z, a Wednesday."""


def span(asked: Range) -> tuple[int, int]:
    """The ends of a range in hours from noon."""
    return (asked.span.begin - NOON) // HOUR, (asked.span.end - NOON) // HOUR


def hours(begin: str | None, end: str | None, now: int = NOON, most: int = 5_000) -> Range:
    """A range of hours."""
    return find_range(begin, end, Interval.HOUR, now, most=most)


def test_ends_are_half_open() -> None:
    """The bucket that begins with `to` is left out; the one that begins with `from` is in."""
    assert span(hours("2021-07-07T09:00", "2021-07-07T11:00")) == (-3, -1)


def test_touched_buckets_are_whole() -> None:
    """A bucket that the range cuts is there as a whole."""
    assert span(hours("2021-07-07T09:59:59.999", "2021-07-07T11:00:00.001")) == (-3, 0)


def test_the_last_day_by_default() -> None:
    """Without ends there are 24 hours, the last of them the running one."""
    asked = hours(None, None)

    assert span(asked) == (-23, 1)
    assert asked.is_open


@pytest.mark.parametrize("interval", Interval)
def test_the_default_has_a_bucket(interval: Interval) -> None:
    """Without ends there is a running bucket of whatever length."""
    asked = find_range(None, None, interval, NOON, most=5_000)

    assert asked.span.begin <= NOON < asked.span.end
    assert len(asked.starts) == max(1, DAY_MILLISECONDS // interval.width)


def test_nothing_lies_in_the_future() -> None:
    """Buckets that have not begun are left out."""
    assert span(hours("2021-07-07T11:00", "2031-01-01")) == (-1, 1)
    assert len(hours("2031-01-01", "2032-01-01").starts) == 0


def test_nothing_lies_before_the_epoch() -> None:
    """A range that begins earlier begins there."""
    asked = find_range("1950-01-01", "1970-01-02", Interval.HOUR, NOON, most=5_000)

    assert asked.span == Span(0, DAY_MILLISECONDS)


def test_weeks_begin_on_monday() -> None:
    """So does the week of a Wednesday."""
    asked = find_range("2021-07-07", "2021-07-08", Interval.WEEK, NOON, most=5_000)

    assert asked.span.begin == NOON - 60 * HOUR
    assert asked.span.end == asked.span.begin + 7 * DAY_MILLISECONDS


@pytest.mark.parametrize(("begin", "end"), [("now", "now-1h"), ("2021-07-07", "2021-07-07")])
def test_ends_the_wrong_way_round(begin: str, end: str) -> None:
    """A range that ends where it begins, or before, is refused."""
    with pytest.raises(ParameterInvalid, match=r"^from: "):
        hours(begin, end)


def test_too_many_points() -> None:
    """Whoever asks for too much learns how much that was, and what would fit."""
    with pytest.raises(TooManyPoints) as raised:
        hours("2020-01-01", "2021-01-01", most=5_000)

    assert raised.value.facts == {
        "max_points": 5_000,
        "points": 366 * 24,
        "smallest_interval": "4h",
    }


def test_what_fits_is_the_smallest() -> None:
    """The interval that is named fits, and the next smaller one does not."""
    with pytest.raises(TooManyPoints) as raised:
        hours("2020-01-01", "2021-01-01", most=731)

    assert raised.value.facts["smallest_interval"] == "1d"
    assert len(find_range("2020-01-01", "2021-01-01", Interval.DAY, NOON, most=731).starts) == 366


def test_nothing_fits() -> None:
    """If not even weeks fit, no interval is named."""
    with pytest.raises(TooManyPoints) as raised:
        hours("1971-01-01", "2021-01-01", most=100)

    assert raised.value.facts["smallest_interval"] is None


def test_settled_after_two_days() -> None:
    """A range is settled when no feed sends a reading of it any more."""
    assert hours("2021-07-05", "2021-07-05T12:00").is_settled("senticrypt")
    assert not hours("2021-07-05", "2021-07-05T13:00").is_settled("senticrypt")


def test_settled_when_no_gap_is_filled() -> None:
    """A feed whose gaps are filled at a start is settled when that does not reach back so far."""
    assert hours("2021-05-20", "2021-05-26T12:00").is_settled("live")
    assert not hours("2021-05-20", "2021-05-26T13:00").is_settled("live")

"""One price from several."""

from datetime import UTC, datetime, timedelta

import pytest

from isbitcoinlit.feeds.live.combine import Accepted, combine
from isbitcoinlit.models import SourcePrice

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def prices(*values: float, age: float = 0) -> list[SourcePrice]:
    """Prices of as many sources, all of one age in seconds."""
    time = NOW - timedelta(seconds=age)
    return [SourcePrice(f"source{index}", time, value) for index, value in enumerate(values)]


def accepted(price: float, age: float = 30) -> Accepted:
    """A price that was believed so many seconds ago."""
    return Accepted(NOW - timedelta(seconds=age), price)


@pytest.mark.parametrize(
    ("values", "last", "expected"),
    [
        ((100.0, 101.0, 300.0), None, 101.0),  # three: the median, one of them wild
        ((100.0, 101.0, 102.0, 103.0), None, 101.5),  # four: between the middle ones
        ((100.0, 101.0), None, 100.5),  # two that agree within 1 %: the mean
        ((100.0, 103.0), accepted(102.9), 103.0),  # two 3 % apart: the one nearer the last
        ((103.0, 100.0), accepted(99.0), 100.0),
        ((100.0, 103.0), None, None),  # two 3 % apart, and nothing to compare with
        ((100.0,), None, 100.0),  # one, the first ever
        ((104.9,), accepted(100.0), 104.9),  # one within 5 % of the last
        ((95.3,), accepted(100.0), 95.3),
        ((106.0,), accepted(100.0), None),  # one that leaps, with a last one that is young
        ((106.0,), accepted(100.0, age=601), 106.0),  # the last one is over 10 minutes old
        ((), accepted(100.0), None),  # none
    ],
)
def test_the_rule(values: tuple[float, ...], last: Accepted | None, expected: float | None) -> None:
    """As many prices as there are decide what is believed."""
    combined = combine(prices(*values), last, NOW)

    assert (combined.accepted.price if combined.accepted else None) == expected


def test_agreement_ends_at_one_percent() -> None:
    """Two prices a little over 1 % apart do not agree."""
    assert combine(prices(100.0, 101.01), accepted(100.0), NOW).accepted == Accepted(NOW, 100.0)


def test_an_old_price_does_not_count() -> None:
    """A source that stands still is left out after 120 s, and counted."""
    still = prices(50.0, age=121)

    combined = combine([*still, *prices(100.0, 100.0)], None, NOW)

    assert combined.accepted == Accepted(NOW, 100.0)
    assert combined.rejected == {"price-too-old": 1}


def test_a_price_of_the_future_does_not_count() -> None:
    """A time more than 60 s ahead is a lie; a smaller lead is another clock, and means now."""
    assert combine(prices(100.0, age=-61), None, NOW).rejected == {"price-in-future": 1}
    assert combine(prices(100.0, age=-59), None, NOW).accepted == Accepted(NOW, 100.0)


def test_the_time_is_that_of_the_newest_price() -> None:
    """A price is not made younger by being asked for."""
    combined = combine([*prices(100.0, age=90), *prices(100.0, age=20)], None, NOW)

    assert combined.accepted == Accepted(NOW - timedelta(seconds=20), 100.0)


def test_what_nobody_confirms_is_counted() -> None:
    """A leap that is not believed is a rejected value."""
    combined = combine(prices(120.0), accepted(100.0), NOW)

    assert combined.rejected == {"price-not-confirmed": 1}

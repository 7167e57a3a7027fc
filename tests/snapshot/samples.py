"""Snapshots for tests that need one, whatever it says."""

from datetime import datetime

from isbitcoinlit.clock import HOUR, floor_hour
from isbitcoinlit.models import Direction, HourlyAverage, Snapshot
from tests.readings import NOON


def snapshot(as_of: datetime = NOON, price: float = 34_000.5, feed: str = "given") -> Snapshot:
    """A snapshot whose newest reading has the given time."""
    last = floor_hour(as_of)
    hours = (
        HourlyAverage(last - 2 * HOUR, None, -0.25, 3, partial=False),
        HourlyAverage(last - HOUR, price - 1, 0.1 + 0.2, 120, partial=False),
        HourlyAverage(last, price, None, 1, partial=True),
    )
    return Snapshot(
        is_bitcoin_lit=False,
        hours=hours,
        sentiment_direction=Direction.RISING,
        price_direction=Direction.RISING,
        as_of=as_of,
        stale=False,
        feed=feed,
    )

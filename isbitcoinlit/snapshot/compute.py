"""The snapshot's arithmetic: models in, models out, nothing else."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from isbitcoinlit.clock import HOUR, floor_hour
from isbitcoinlit.models import Direction, HourlyAverage, Metric, Snapshot
from isbitcoinlit.series.rollups import HourlyAverages

HOURS = 3
"""The snapshot's length: the hour of the newest reading and the two before it."""


def window(as_of: datetime) -> tuple[datetime, datetime]:
    """Return the first and last full hour of the snapshot whose newest reading is given."""
    last = floor_hour(as_of)
    return last - (HOURS - 1) * HOUR, last


def compute(
    feed: str, averages: HourlyAverages, as_of: datetime, now: datetime, stale_after: timedelta
) -> Snapshot:
    """Join the averages by hour, and say where both metrics went."""
    first, last = window(as_of)
    hours = tuple(_hour(averages, first + i * HOUR, last) for i in range(HOURS))
    price = direction([hour.price for hour in hours])
    sentiment = direction([hour.sentiment for hour in hours])
    return Snapshot(
        is_bitcoin_lit=price is sentiment is Direction.RISING,
        hours=hours,
        sentiment_direction=sentiment,
        price_direction=price,
        as_of=as_of,
        stale=now - as_of > stale_after,
        feed=feed,
    )


def direction(values: Sequence[float | None]) -> Direction:
    """Compare the first and the last value there is; fewer than two are flat."""
    present = [value for value in values if value is not None]
    if not present or present[-1] == present[0]:
        return Direction.FLAT
    return Direction.RISING if present[-1] > present[0] else Direction.FALLING


def _hour(averages: HourlyAverages, time: datetime, last: datetime) -> HourlyAverage:
    price = averages[Metric.PRICE].get(time)
    sentiment = averages[Metric.SENTIMENT].get(time)
    return HourlyAverage(
        time=time,
        price=price.value if price else None,
        sentiment=sentiment.value if sentiment else None,
        samples=max(average.samples if average else 0 for average in (price, sentiment)),
        partial=time == last,
    )

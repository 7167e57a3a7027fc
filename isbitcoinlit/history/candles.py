"""Candles: where a metric began, how far it went, and where it ended, bucket by bucket."""

from dataclasses import dataclass

from isbitcoinlit.history.query import Range
from isbitcoinlit.history.rows import Buckets
from isbitcoinlit.series.buckets import Part

PARTS = (Part.COUNT, Part.FIRST, Part.MAX, Part.MIN, Part.LAST)


@dataclass(frozen=True, slots=True)
class Candle:
    """One bucket of one metric; without a reading its numbers are None."""

    time: int
    """Start of the bucket, milliseconds since the epoch."""
    close_time: int
    """End of the bucket, which is the start of the next one."""
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    samples: int
    partial: bool
    """Whether the bucket still runs."""


def candles(asked: Range, found: Buckets) -> list[Candle]:
    """Make a candle of every bucket of a range, oldest first."""
    made = []
    for start in asked.starts:
        bucket, end = found.get(start, {}), start + asked.interval.width
        made.append(
            Candle(
                time=start,
                close_time=end,
                open=bucket.get(Part.FIRST),
                high=bucket.get(Part.MAX),
                low=bucket.get(Part.MIN),
                close=bucket.get(Part.LAST),
                samples=int(bucket.get(Part.COUNT, 0)),
                partial=end > asked.now,
            )
        )
    return made

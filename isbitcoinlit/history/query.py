"""What rows are asked for, and whether that can be answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from isbitcoinlit.errors import ParameterInvalid, TooManyPoints
from isbitcoinlit.history.moments import are_fixed, parse_moment
from isbitcoinlit.models import PAIR, Metric, Span
from isbitcoinlit.series.buckets import DAY_MILLISECONDS, Aggregation, Interval

DEFAULT_RANGE = DAY_MILLISECONDS
SETTLED = 2 * DAY_MILLISECONDS
"""How old a range has to be so that no feed sends a reading of it any more, in milliseconds."""
SETTLED_LATE = 42 * DAY_MILLISECONDS
FILLED_LATE = frozenset({"live", "fear-greed", "senticrypt-daily"})
"""Feeds whose gaps of the last weeks are filled when the service starts again."""


class Fill(StrEnum):
    """What stands where nothing was read."""

    NULL = "null"
    """A row with nulls."""
    NONE = "none"
    """No row."""
    PREVIOUS = "previous"
    """The last value before, marked."""
    LINEAR = "linear"
    """A straight line between the values around, marked."""


@dataclass(frozen=True, slots=True)
class Range:
    """Whole buckets of one length, and what is known of their end."""

    span: Span
    """From the start of the first bucket to the end of the last one."""
    interval: Interval
    now: int
    fixed: bool = True
    """Whether whoever asks in the same words later means the same buckets."""

    @property
    def starts(self) -> range:
        """The starts of all buckets."""
        return range(self.span.begin, self.span.end, self.interval.width)

    @property
    def is_open(self) -> bool:
        """Whether a bucket of the range still runs."""
        return self.span.end > self.now

    def is_settled(self, feed: str) -> bool:
        """Tell whether nothing is expected to be added to it."""
        age = SETTLED_LATE if feed in FILLED_LATE else SETTLED
        return self.fixed and self.span.end <= self.now - age

    def cut(self, limit: int) -> "Range":
        """Return the first `limit` buckets."""
        end = min(self.span.end, self.span.begin + limit * self.interval.width)
        return replace(self, span=Span(self.span.begin, end))


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """Rows of a feed on one clock."""

    feed: str
    range: Range
    aggregation: Aggregation = Aggregation.AVG
    metrics: Sequence[Metric] = PAIR
    fill: Fill = Fill.NULL


def find_range(
    begin: str | None, end: str | None, interval: Interval, now: int, *, most: int | None
) -> Range:
    """Find the buckets of `[begin, end)`; without `begin` those of the last 24 hours.

    A bucket that the range touches is there as a whole; those that have not begun are not. Raises
    `ParameterInvalid`, or `TooManyPoints` if there are more than `most`.
    """
    until = parse_moment("to", end, now) if end else now + 1
    if begin:
        since = parse_moment("from", begin, now)
    else:
        since = interval.floor(until - 1) - max(0, DEFAULT_RANGE - interval.width)
    if since >= until:
        raise ParameterInvalid("from", "from has to lie before to")
    until = min(until, now + 1)
    first = interval.floor(max(0, since))
    # The week of 1 January 1970 began before Redis's times do, and no reading is that old.
    span = Span(first if first >= 0 else interval.ceil(0), interval.ceil(max(0, until)))
    if span.begin >= span.end:
        span = Span(span.begin, span.begin)
    asked = (span.end - span.begin) // interval.width
    if most is not None and asked > most:
        raise _too_many(span, asked, most)
    return Range(span, interval, now, are_fixed(begin, end))


def _too_many(span: Span, asked: int, most: int) -> TooManyPoints:
    fits = next(
        (i for i in Interval if (i.ceil(span.end) - i.floor(span.begin)) // i.width <= most), None
    )
    advice = f"interval={fits} fits" if fits else "no interval fits: ask for less time"
    return TooManyPoints(
        f"These are {asked} rows, and an answer has at most {most}; {advice}, or use limit.",
        max_points=most,
        points=asked,
        smallest_interval=str(fits) if fits else None,
    )

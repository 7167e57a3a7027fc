"""Buckets of time: how long they are, what is known of one, and how two become one."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from isbitcoinlit.clock import HOUR_MILLISECONDS

DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS
WEEK_MILLISECONDS = 7 * DAY_MILLISECONDS
_FIRST_MONDAY = 4 * DAY_MILLISECONDS
"""The epoch was a Thursday."""


class Interval(StrEnum):
    """The lengths of bucket that can be asked for."""

    SECONDS_30 = "30s"
    MINUTE = "1m"
    MINUTES_5 = "5m"
    MINUTES_15 = "15m"
    MINUTES_30 = "30m"
    HOUR = "1h"
    HOURS_4 = "4h"
    HOURS_12 = "12h"
    DAY = "1d"
    WEEK = "1w"

    @property
    def width(self) -> int:
        """Length in milliseconds."""
        return _WIDTHS[self]

    @property
    def origin(self) -> int:
        """A moment at which a bucket of this length begins, in milliseconds since the epoch."""
        return _ORIGINS[self]

    def floor(self, moment: int) -> int:
        """Return the start of the bucket that a moment lies in, both in milliseconds."""
        return moment - (moment - self.origin) % self.width

    def ceil(self, moment: int) -> int:
        """Return the first start of a bucket that is not before a moment, in milliseconds."""
        return moment + (self.origin - moment) % self.width


_WIDTHS: Mapping[Interval, int] = {
    Interval.SECONDS_30: 30_000,
    Interval.MINUTE: 60_000,
    Interval.MINUTES_5: 300_000,
    Interval.MINUTES_15: 900_000,
    Interval.MINUTES_30: 1_800_000,
    Interval.HOUR: HOUR_MILLISECONDS,
    Interval.HOURS_4: 4 * HOUR_MILLISECONDS,
    Interval.HOURS_12: 12 * HOUR_MILLISECONDS,
    Interval.DAY: DAY_MILLISECONDS,
    Interval.WEEK: WEEK_MILLISECONDS,
}
_ORIGINS = dict.fromkeys(Interval, 0) | {Interval.WEEK: _FIRST_MONDAY}


class Part(StrEnum):
    """A number about the samples of one bucket, by the server's name for it."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    DEVIATION = "std.p"


Bucket = Mapping[Part, float]
"""What was asked about the samples of one bucket, which has at least one."""

ROLLED_UP = (Part.COUNT, Part.SUM, Part.MIN, Part.MAX, Part.FIRST, Part.LAST)
"""What Redis keeps of every hour and day: from these the same of longer buckets follows."""


class Level(StrEnum):
    """The lengths of bucket that Redis keeps roll-ups of."""

    HOUR = "1h"
    DAY = "1d"

    @property
    def width(self) -> int:
        """Length in milliseconds."""
        return Interval(self).width


_FOLDS: Mapping[Part, Callable[[float, float], float]] = {
    Part.COUNT: lambda earlier, later: earlier + later,
    Part.SUM: lambda earlier, later: earlier + later,
    Part.MIN: min,
    Part.MAX: max,
    Part.FIRST: lambda earlier, _: earlier,
    Part.LAST: lambda _, later: later,
}


def fold(part: Part, earlier: float, later: float) -> float:
    """Make one number of those of two neighbouring buckets; a deviation cannot be folded."""
    return _FOLDS[part](earlier, later)


class Aggregation(StrEnum):
    """What can be asked for of each bucket."""

    AVG = "avg"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    SUM = "sum"
    COUNT = "count"
    RANGE = "range"
    DEVIATION = "std.p"

    @property
    def parts(self) -> tuple[Part, ...]:
        """What has to be known of a bucket; the count always."""
        match self:
            case Aggregation.AVG:
                return Part.COUNT, Part.SUM
            case Aggregation.RANGE:
                return Part.COUNT, Part.MIN, Part.MAX
            case Aggregation.COUNT:
                return (Part.COUNT,)
            case Aggregation.DEVIATION:
                return Part.COUNT, Part.MIN, Part.MAX, Part.DEVIATION
            case _:
                return Part.COUNT, Part(self)

    def of(self, bucket: Bucket) -> float:
        """Compute the value from a bucket's parts."""
        match self:
            case Aggregation.AVG:
                return bucket[Part.SUM] / bucket[Part.COUNT]
            case Aggregation.RANGE:
                return bucket[Part.MAX] - bucket[Part.MIN]
            case Aggregation.DEVIATION:
                # The server subtracts squares: of values that are nearly equal, rounding is left,
                # or the root of a negative number. No deviation is above half of the range.
                return min((bucket[Part.MAX] - bucket[Part.MIN]) / 2, bucket[Part.DEVIATION])
            case _:
                return bucket[Part(self)]

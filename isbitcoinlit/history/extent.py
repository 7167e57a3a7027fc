"""How far a metric went since a moment: for tickers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt
from statistics import stdev

from isbitcoinlit.history.rows import Buckets
from isbitcoinlit.series.buckets import Part

HOURS_A_YEAR = 24 * 365
FEWEST_RETURNS = 12
"""Hourly returns without which nothing is said about their spread."""
TOLERANCE = 0.1
"""Share of a window that its first reading may be late by; later, there is no change to tell."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a metric did from a moment up to its last reading."""

    since: int | None
    """Time of the first reading in the window, milliseconds since the epoch."""
    first: float | None
    last: float | None
    high: float | None
    low: float | None
    samples: int
    reaches_back: bool
    """Whether the readings cover the window's beginning, so that its change can be told."""

    @property
    def change(self) -> float | None:
        """Last value minus first value."""
        if self.first is None or self.last is None or not self.reaches_back:
            return None
        return self.last - self.first

    @property
    def change_percent(self) -> float | None:
        """The change as a share of the first value, in percent."""
        change = self.change
        return None if change is None or not self.first else 100 * change / self.first


@dataclass(frozen=True, slots=True)
class Volatility:
    """The spread of hourly logarithmic returns."""

    hourly: float
    """Their sample standard deviation."""
    annualised: float
    """The same times the square root of the hours of a year."""
    returns: int
    """Of how many: an hour counts whose predecessor has a reading too."""


def extent(edge: Sequence[tuple[int, float]], hours: Buckets, begin: int, end: int) -> Extent:
    """Put together a window: the readings before its first full hour, and its full hours.

    `hours` need `FIRST`, `LAST`, `MIN`, `MAX` and `COUNT`; times are in milliseconds.
    """
    found = [bucket for _, bucket in sorted(hours.items())]
    values = [value for _, value in edge]
    firsts = values + [bucket[Part.FIRST] for bucket in found]
    lasts = values + [bucket[Part.LAST] for bucket in found]
    since = edge[0][0] if edge else min(hours, default=None)
    return Extent(
        since=since,
        first=firsts[0] if firsts else None,
        last=lasts[-1] if lasts else None,
        high=max(values + [bucket[Part.MAX] for bucket in found], default=None),
        low=min(values + [bucket[Part.MIN] for bucket in found], default=None),
        samples=len(values) + int(sum(bucket[Part.COUNT] for bucket in found)),
        reaches_back=since is not None and since - begin <= TOLERANCE * (end - begin),
    )


def volatility(hours: Buckets, width: int) -> Volatility | None:
    """Return the spread of the returns from one hour's last price to the next one's."""
    closes = {start: bucket[Part.LAST] for start, bucket in hours.items()}
    returns = [
        log(closes[later] / closes[earlier])
        for earlier, later in pairwise(sorted(closes))
        if later - earlier == width and closes[earlier] > 0 and closes[later] > 0
    ]
    if len(returns) < FEWEST_RETURNS:
        return None
    spread = stdev(returns)
    return Volatility(spread, spread * sqrt(HOURS_A_YEAR), len(returns))

"""What was read of a file at a time: samples, and what was wrong with the rest."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.feeds.rows import AHEAD, EARLIEST
from isbitcoinlit.models import Metric

_MOST = sys.float_info.max
_LIMITS: Mapping[Metric, tuple[float, float]] = {
    Metric.PRICE: (sys.float_info.min, _MOST),
    Metric.SENTIMENT: (-1.0, 1.0),
    Metric.MEDIAN: (-1.0, 1.0),
    Metric.COUNT: (0.0, 1e9),
}
"""The least and the most that a metric can be, as for feeds."""
_EARLIEST = to_milliseconds(EARLIEST)
_AHEAD = to_milliseconds(AHEAD + EARLIEST) - _EARLIEST


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that could not be read."""

    number: int
    """Of the line, or of the row where a file has no lines; from 1."""
    reason: str


@dataclass(slots=True)
class Batch:
    """Samples of some lines; of two with one time the first keeps what it has."""

    now: int
    samples: dict[Metric, dict[int, float]] = field(
        default_factory=lambda: {metric: {} for metric in Metric}
    )
    readings: int = 0
    broken: list[Broken] = field(default_factory=list)

    def take(self, time: int, values: list[tuple[Metric, float]]) -> None:
        """Take one reading; raises a `ValueError` with the reason why not, and takes nothing."""
        if not _EARLIEST <= time <= self.now + _AHEAD:
            raise ValueError("its time is in the future" if time > self.now else "it is too old")
        found = False
        for metric, value in values:
            least, most = _LIMITS[metric]
            # Also false for what is not a number.
            if not least <= value <= most:
                raise ValueError(f"{metric} is out of range: {value!r}")
            found = found or metric in (Metric.PRICE, Metric.SENTIMENT)
        if not found:
            raise ValueError("it has neither price nor sentiment")
        for metric, value in values:
            self.samples[metric].setdefault(time, value)
        self.readings += 1

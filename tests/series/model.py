"""What the buckets of a series have to be, in plain Python."""

from collections.abc import Iterable, Mapping
from statistics import pstdev

from isbitcoinlit.series.buckets import Interval, Part

Samples = Mapping[int, float]
"""Values by time in milliseconds."""


def bucket(samples: Iterable[tuple[int, float]]) -> dict[Part, float]:
    """All parts of one bucket's samples."""
    values = [value for _, value in sorted(samples)]
    return {
        Part.COUNT: len(values),
        Part.SUM: sum(values),
        Part.MIN: min(values),
        Part.MAX: max(values),
        Part.FIRST: values[0],
        Part.LAST: values[-1],
        Part.DEVIATION: pstdev(values),
    }


def buckets(samples: Samples, interval: Interval) -> dict[int, dict[Part, float]]:
    """All buckets that have a sample, by their starts."""
    members: dict[int, list[tuple[int, float]]] = {}
    for time, value in samples.items():
        members.setdefault(interval.floor(time), []).append((time, value))
    return {start: bucket(found) for start, found in sorted(members.items())}

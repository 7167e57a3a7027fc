"""The latest values of a feed and how they got there: what a ticker shows."""

from collections.abc import Mapping
from dataclasses import dataclass

from isbitcoinlit.clock import HOUR_MILLISECONDS, to_milliseconds
from isbitcoinlit.history.extent import Extent, Volatility, extent, volatility
from isbitcoinlit.history.rows import SPACING
from isbitcoinlit.models import PAIR, Metric, Span
from isbitcoinlit.series.buckets import DAY_MILLISECONDS, Bucket, Interval, Part
from isbitcoinlit.series.planner import BucketReader
from isbitcoinlit.series.samples import ReadingReader

WINDOWS: Mapping[str, int] = {
    "1h": HOUR_MILLISECONDS,
    "24h": DAY_MILLISECONDS,
    "7d": 7 * DAY_MILLISECONDS,
    "30d": 30 * DAY_MILLISECONDS,
}
"""Lengths in milliseconds, the longest one last."""
VOLATILITY_WINDOWS = ("24h", "7d", "30d")
MOST_IN_AN_HOUR = 4_000
"""Readings: more than one a second is no feed of ours."""

_PARTS = (Part.COUNT, Part.FIRST, Part.MAX, Part.MIN, Part.LAST)


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """The latest value of a metric, and its windows."""

    latest: tuple[int, float] | None
    """Time in milliseconds, and value."""
    windows: Mapping[str, Extent]


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it; windows end with the newest reading of the feed."""

    as_of: int | None
    metrics: Mapping[Metric, MetricSummary]
    volatility: Mapping[str, Volatility | None]


class SummaryReader:
    """Computes summaries from the hours that are rolled up, and the readings at their edges."""

    def __init__(self, buckets: BucketReader, readings: ReadingReader) -> None:
        self._buckets = buckets
        self._readings = readings

    async def read(self, feed: str, now: int) -> Summary:
        """Return the summary of a feed; raises a `StorageError`."""
        latest = await self._readings.last_values(feed, now + 1)
        as_of = max((time for time, _ in latest.values()), default=None)
        if as_of is None:
            empty = {metric: MetricSummary(None, {}) for metric in PAIR}
            return Summary(None, empty, dict.fromkeys(VOLATILITY_WINDOWS))
        longest = Span(
            Interval.HOUR.ceil(as_of - max(WINDOWS.values())), Interval.HOUR.ceil(as_of + 1)
        )
        hours = await self._buckets.read(feed, PAIR, Interval.HOUR, _PARTS, longest)
        edges = {name: await self._edge(feed, as_of - length) for name, length in WINDOWS.items()}
        metrics = {
            metric: MetricSummary(
                latest.get(metric),
                {
                    name: extent(
                        edges[name][metric],
                        _since(hours[metric], as_of - length),
                        as_of - length,
                        as_of,
                    )
                    for name, length in WINDOWS.items()
                },
            )
            for metric in PAIR
        }
        # The return of a part of an hour is a smaller one.
        last = Interval.HOUR.floor(as_of + SPACING)
        whole = {start: hour for start, hour in hours[Metric.PRICE].items() if start < last}
        spreads = {
            name: volatility(_since(whole, as_of - WINDOWS[name]), HOUR_MILLISECONDS)
            for name in VOLATILITY_WINDOWS
        }
        return Summary(as_of, metrics, spreads)

    async def _edge(self, feed: str, begin: int) -> dict[Metric, list[tuple[int, float]]]:
        """Return the readings from a window's beginning to its first full hour."""
        span = Span(max(0, begin), Interval.HOUR.ceil(begin))
        found = await self._readings.read(feed, span, MOST_IN_AN_HOUR)
        return {
            metric: [
                (to_milliseconds(reading.time), value)
                for reading in found
                if (value := reading.value(metric)) is not None
            ]
            for metric in PAIR
        }


def _since(hours: Mapping[int, Bucket], begin: int) -> dict[int, Bucket]:
    first = Interval.HOUR.ceil(begin)
    return {start: bucket for start, bucket in hours.items() if start >= first}

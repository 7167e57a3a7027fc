"""Rows on one clock: what each bucket has of each metric, and what is put where it has nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from isbitcoinlit.history.query import Fill, SeriesQuery
from isbitcoinlit.models import Metric
from isbitcoinlit.series.buckets import Bucket, Part

SPACING = 30_000
"""Milliseconds from one reading to the next, in the feeds that send them by themselves."""

Buckets = Mapping[int, Bucket]
"""Of one metric, by their starts; those without samples are absent."""


@dataclass(frozen=True, slots=True)
class Row:
    """One bucket of all metrics that were asked for."""

    time: int
    """Start of the bucket, milliseconds since the epoch."""
    values: Mapping[Metric, float | None]
    samples: Mapping[Metric, int]
    coverage: float
    """Share of the bucket's 30-second steps that have a reading, of the metric with fewer."""
    partial: bool
    """Whether the bucket still runs."""
    filled: frozenset[Metric] = frozenset()
    """Metrics whose value was not read but put there."""


def align(query: SeriesQuery, found: Mapping[Metric, Buckets]) -> list[Row]:
    """Put the buckets of all metrics on one clock, oldest first."""
    samples = {
        metric: {start: int(bucket[Part.COUNT]) for start, bucket in found[metric].items()}
        for metric in query.metrics
    }
    read = {
        metric: {start: query.aggregation.of(b) for start, b in found[metric].items()}
        for metric in query.metrics
    }
    put = {metric: _fill(values, query) for metric, values in read.items()}
    rows = (_row(start, query, samples, read, put) for start in query.range.starts)
    return [row for row in rows if query.fill is not Fill.NONE or any(row.samples.values())]


def _row(
    start: int,
    query: SeriesQuery,
    samples: Mapping[Metric, Mapping[int, int]],
    read: Mapping[Metric, Mapping[int, float]],
    put: Mapping[Metric, Mapping[int, float]],
) -> Row:
    counts = {metric: samples[metric].get(start, 0) for metric in query.metrics}
    width = query.range.interval.width
    return Row(
        time=start,
        values={m: read[m].get(start, put[m].get(start)) for m in query.metrics},
        samples=counts,
        coverage=round(min(1.0, min(counts.values()) * SPACING / width), 3),
        partial=start + width > query.range.now,
        filled=frozenset(m for m in query.metrics if start in put[m]),
    )


def _fill(values: Mapping[int, float], query: SeriesQuery) -> dict[int, float]:
    """Return what is put into the buckets without a value; nothing before the first one."""
    if query.fill not in (Fill.PREVIOUS, Fill.LINEAR) or not values:
        return {}
    width, known = query.range.interval.width, sorted(values)
    put = {}
    for left, right in pairwise(known):
        slope = (values[right] - values[left]) / (right - left)
        for start in range(left + width, right, width):
            # The clearest form of a line, and exact where both ends are equal.
            put[start] = values[left] + (slope * (start - left) if query.fill is Fill.LINEAR else 0)
    if query.fill is Fill.PREVIOUS:
        last = known[-1]
        put |= dict.fromkeys(range(last + width, query.range.span.end, width), values[last])
    return put

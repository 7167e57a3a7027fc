"""Reads what is needed to compare the mood with price returns, and compares them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isbitcoinlit.errors import InsufficientData
from isbitcoinlit.history.correlation import (
    FEWEST_PAIRS,
    Finding,
    correlate,
    logarithmic_returns,
    pairs_at,
)
from isbitcoinlit.models import PAIR, Metric, Span
from isbitcoinlit.series.buckets import Aggregation, Bucket, Interval, Part
from isbitcoinlit.series.planner import BucketReader
from isbitcoinlit.series.samples import ReadingReader

_PARTS = (Part.COUNT, Part.SUM, Part.LAST)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found, and in what."""

    span: Span
    """Whole buckets; the last one holds the newest reading, unless that one still runs."""
    as_of: int
    prices: int
    """Buckets with a price."""
    moods: int
    """Buckets with a sentiment."""
    returns: int
    """Buckets with a price whose predecessor has one too."""
    findings: Sequence[Finding]


class MoodAndReturns:
    """Compares the mean sentiment of each bucket with the change of its last price."""

    def __init__(self, buckets: BucketReader, readings: ReadingReader) -> None:
        self._buckets = buckets
        self._readings = readings

    async def compare(
        self, feed: str, interval: Interval, buckets: int, max_lag: int, now: int
    ) -> Comparison:
        """Compare the last so many buckets; raises `InsufficientData` or a `StorageError`."""
        latest = await self._readings.last_values(feed, now + 1)
        if not latest:
            raise _too_little(0, 0, 0)
        as_of = max(time for time, _ in latest.values())
        end = min(interval.ceil(as_of + 1), interval.floor(now))
        span = Span(max(interval.ceil(0), end - buckets * interval.width), end)
        found = await self._buckets.read(feed, PAIR, interval, _PARTS, span)
        prices = _values(found[Metric.PRICE], interval, Aggregation.LAST)
        moods = _values(found[Metric.SENTIMENT], interval, Aggregation.AVG)
        returns = logarithmic_returns(prices)
        pairs = len(pairs_at(moods, returns, 0)[0])
        if pairs < FEWEST_PAIRS:
            raise _too_little(pairs, len(returns), len(moods))
        # Some ten milliseconds for a week by the hour, half a second for the most there is.
        findings = await asyncio.to_thread(correlate, prices, moods, max_lag)
        return Comparison(span, as_of, len(prices), len(moods), len(returns), findings)


def _values(
    found: Mapping[int, Bucket], interval: Interval, wanted: Aggregation
) -> dict[int, float]:
    """Return one value of each bucket, by the bucket's number."""
    return {
        (start - interval.origin) // interval.width: wanted.of(bucket)
        for start, bucket in found.items()
    }


def _too_little(pairs: int, returns: int, moods: int) -> InsufficientData:
    return InsufficientData(
        f"There are {moods} buckets with a sentiment and {returns} with a return, and {pairs} with "
        f"both; {FEWEST_PAIRS} are needed. Ask for a longer window or a shorter interval.",
        pairs=pairs,
        needed=FEWEST_PAIRS,
        buckets_with_return=returns,
        buckets_with_sentiment=moods,
    )

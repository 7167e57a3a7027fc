"""Answers questions about the past of one feed."""

from collections.abc import Sequence
from dataclasses import dataclass

from isbitcoinlit.clock import Clock, to_milliseconds
from isbitcoinlit.history.candles import PARTS, Candle, candles
from isbitcoinlit.history.query import Range, SeriesQuery
from isbitcoinlit.history.rows import Row, align
from isbitcoinlit.models import PAIR, Metric, Reading, Span
from isbitcoinlit.series.buckets import Interval, Part
from isbitcoinlit.series.planner import BucketReader
from isbitcoinlit.series.samples import ReadingReader


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the readings of a feed reach."""

    as_of: int | None
    """Time of the newest reading before the end of what was asked for, in milliseconds."""
    stale: bool
    """Whether that is too long ago, for a range that goes up to now."""


class HistoryReader:
    """Reads rows, candles and readings; every method raises a `StorageError`."""

    def __init__(
        self, buckets: BucketReader, readings: ReadingReader, clock: Clock, *, stale_after: float
    ) -> None:
        self._buckets = buckets
        self._readings = readings
        self._clock = clock
        self._stale_after = stale_after * 1_000

    def now(self) -> int:
        """The time in milliseconds since the epoch."""
        return to_milliseconds(self._clock.now())

    async def rows(self, query: SeriesQuery) -> list[Row]:
        """Return the buckets of all metrics on one clock, oldest first."""
        found = await self._buckets.read(
            query.feed,
            query.metrics,
            query.range.interval,
            query.aggregation.parts,
            query.range.span,
        )
        return align(query, found)

    async def candles(self, feed: str, metric: Metric, asked: Range) -> list[Candle]:
        """Return a candle for each bucket, oldest first."""
        found = await self._buckets.read(feed, [metric], asked.interval, PARTS, asked.span)
        return candles(asked, found[metric])

    async def readings(self, feed: str, span: Span, limit: int) -> Sequence[Reading]:
        """Return the first readings of a span, oldest first."""
        return await self._readings.read(feed, span, limit)

    async def freshness(self, feed: str, end: int, *, is_open: bool) -> Freshness:
        """Tell how far the readings reach that an answer up to `end` could tell of."""
        last = await self._readings.last_values(feed, end)
        as_of = max((time for time, _ in last.values()), default=None)
        late = as_of is None or self.now() - as_of > self._stale_after
        return Freshness(as_of, is_open and late)

    async def hours(self, feed: str) -> list[int]:
        """Return the starts of all hours that have a reading, in milliseconds, oldest first."""
        oldest = await self._readings.oldest(feed)
        if oldest is None:
            return []
        span = Span(Interval.HOUR.floor(oldest), Interval.HOUR.ceil(self.now() + 1))
        found = await self._buckets.read(feed, PAIR, Interval.HOUR, [Part.COUNT], span)
        return sorted(set().union(*found.values()))

    async def knows(self, feed: str) -> bool:
        """Tell whether anything was ever stored of a feed."""
        return await self._readings.exists(feed)

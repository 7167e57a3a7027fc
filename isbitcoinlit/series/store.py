"""Readings go into Redis time series, each of them once."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from isbitcoinlit.clock import from_milliseconds, to_milliseconds
from isbitcoinlit.fence import NO_FENCE, Fence
from isbitcoinlit.models import PAIR, Metric, Reading, Span
from isbitcoinlit.patience import patience_for, ride_out
from isbitcoinlit.redis_client import redis_errors, series_reply
from isbitcoinlit.series.buckets import Interval
from isbitcoinlit.series.definition import SeriesDefinitions
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.last_word import say_anyway
from isbitcoinlit.series.recent import RecentSeries, Samples
from isbitcoinlit.series.writer import Row, SampleWriter

BATCH = 500
"""Samples in one TS.MADD: more is not faster, and stalls the event loop for over 3 ms."""

_REASONS = {
    "not a TSDB key": "series-missing",
    "older than retention": "older-than-retention",
    "invalid value": "value-invalid",
    "invalid timestamp": "time-invalid",
}

Tell = Callable[[str, Sequence[Span]], Awaitable[None]]
"""Hears of which feed something was stored, and when it is of: spans in order, none overlapping."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What adding readings did."""

    added: int
    """Readings of which Redis lacked a value, and took it."""
    already_stored: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Samples that Redis refused, by reason."""
    changed: bool = False
    """Whether the series are not what this process knew: by us, or by somebody else."""
    readings: tuple[Reading, ...] = field(default=(), compare=False)
    """The readings of which Redis took a value."""
    degraded: int = 0
    """Readings that Redis took, but of which fewer replicas have told than wanted."""


class SeriesStore:
    """The time series of all feeds in one Redis."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        *,
        retention_seconds: int = 0,
        min_replicas: int = 0,
        tell: Tell | None = None,
    ) -> None:
        """`tell` hears of which feed readings were stored, and when they are of."""
        self._redis = redis
        self._writer = SampleWriter(redis, min_replicas=min_replicas)
        self._patience = patience_for(redis)
        self._tell = tell
        self._keys = keys
        self._retention_ms = retention_seconds * 1_000
        self._definitions = SeriesDefinitions(redis, keys, retention_seconds=retention_seconds)
        self._recent = RecentSeries(redis)

    async def prepare(self, feed: str, metrics: Iterable[Metric] = PAIR) -> None:
        """Make sure that the series of a feed exist as designed, with their roll-ups.

        Raises `TimeSeriesMissing`, `SeriesUnusable` or `RedisUnavailable`.
        """
        await self._definitions.ensure(feed, metrics)

    async def add(self, feed: str, readings: Sequence[Reading], fence: Fence = NO_FENCE) -> Stored:
        """Store the readings that Redis does not have; repeating it changes nothing.

        Waits for a primary that is being replaced. Raises what `prepare` raises, and `LeaseLost`.
        """
        metrics = metrics_of(readings)
        await ride_out(self._patience, lambda: self.prepare(feed, metrics))
        stored = await self._add(feed, metrics, readings, fence)
        if "series-missing" not in stored.rejected:
            return stored
        # Somebody emptied Redis since the series were made: make them anew, and try once more.
        self._definitions.forget(feed)
        self._recent.forget(self._keys.series(feed, metric) for metric in metrics)
        await self.prepare(feed, metrics)
        return await self._add(feed, metrics, readings, fence)

    async def newest(
        self, feed: str, metrics: Sequence[Metric] = PAIR
    ) -> dict[Metric, tuple[datetime, float]]:
        """Return time and value of the last sample of each metric that has one."""
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for metric in metrics:
                pipe.ts().get(self._keys.series(feed, metric))
            replies = await pipe.execute(raise_on_error=False)
        found = {}
        for metric, reply in zip(metrics, replies, strict=True):
            if sample := series_reply(reply):
                found[metric] = (from_milliseconds(sample[0]), sample[1])
        return found

    async def count(self, feed: str) -> int:
        """Return how many readings are stored; where the metrics differ, the larger number."""
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for metric in PAIR:
                pipe.ts().info(self._keys.series(feed, metric))
            replies = await pipe.execute(raise_on_error=False)
        found = [series_reply(reply) for reply in replies]
        return max((info.total_samples for info in found if info), default=0)

    async def _add(
        self, feed: str, metrics: Iterable[Metric], readings: Sequence[Reading], fence: Fence
    ) -> Stored:
        samples = {self._keys.series(feed, m): samples_of(readings, m) for m in metrics}
        # Step by step, so that no failover makes forgotten what the step before has stored.
        surprised = await ride_out(self._patience, lambda: self._recent.update(samples))
        missing = {key: self._recent[key].missing(wanted) for key, wanted in samples.items()}
        oldest = await ride_out(self._patience, lambda: self._oldest_allowed(feed, missing))
        untold: set[int] = set()
        try:
            accepted, rejected, degraded = await self._write(missing, oldest, fence, untold)
            await ride_out(self._patience, lambda: self._say(feed, accepted))
            untold.clear()
        finally:
            if untold:
                await say_anyway(self._say(feed, untold))
        sent = {timestamp for wanted in missing.values() for timestamp in wanted}
        return Stored(
            added=len(accepted - degraded),
            already_stored=len(readings) - len(sent),
            rejected=rejected,
            changed=surprised or bool(accepted),
            readings=tuple(r for r in readings if to_milliseconds(r.time) in accepted),
            degraded=len(degraded),
        )

    async def _say(self, feed: str, times: Iterable[int]) -> None:
        """Let others hear of when something was stored, if it was."""
        moments = [Span(at, at + 1) for at in sorted(times)]
        if moments and self._tell:
            await self._tell(feed, moments)

    async def _oldest_allowed(self, feed: str, missing: Mapping[str, Samples]) -> int:
        """Return the first timestamp that may be written, in milliseconds.

        A sample in a day of which readings have expired would make Redis compute that day's and
        hour's roll-ups from what is left.
        """
        if not self._retention_ms or not any(missing.values()):
            return 0
        stored = [to_milliseconds(time) for time, _ in (await self.newest(feed)).values()]
        newest = max(*stored, *(max(samples) for samples in missing.values() if samples), 0)
        return first_allowed(newest, self._retention_ms)

    async def _write(
        self, missing: Mapping[str, Samples], oldest: int, fence: Fence, sent: set[int]
    ) -> tuple[set[int], Counter[str], set[int]]:
        """Send samples in order of time, and note the timestamps before each step.

        Return the timestamps taken, the reasons if not, and the timestamps not replicated.
        """
        everything = sorted(
            (timestamp, key, value)
            for key, samples in missing.items()
            for timestamp, value in samples.items()
        )
        rows = [row for row in everything if row[0] >= oldest]
        accepted: set[int] = set()
        degraded: set[int] = set()
        rejected: Counter[str] = Counter()
        if len(rows) < len(everything):
            rejected["older-than-retention"] = len(everything) - len(rows)
        for batch in _batched(rows):
            # Also what gets no answer may be stored.
            sent.update(at for at, _, _ in batch)
            written = await ride_out(self._patience, partial(self._writer.write, batch, fence))
            taken = set()
            # An error about one sample is a value in the list of replies; it is not raised.
            for (at, key, _), reply in zip(batch, written.replies, strict=True):
                if isinstance(reply, ResponseError):
                    rejected[reason_of(reply)] += 1
                else:
                    self._recent[key].add((at,))
                    taken.add(at)
            accepted |= taken
            if not written.replicated:
                degraded |= taken
        return accepted, rejected, degraded


def _batched(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut rows into batches."""
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def metrics_of(readings: Iterable[Reading]) -> list[Metric]:
    """Return the metrics that these readings need series for: the pair, and what else they have."""
    more = (Metric.MEDIAN, Metric.COUNT)
    readings = list(readings)
    return [*PAIR, *(m for m in more if any(r.value(m) is not None for r in readings))]


def samples_of(readings: Sequence[Reading], metric: Metric) -> dict[int, float]:
    """Return the values that these readings have for a metric, by timestamp."""
    values = ((to_milliseconds(reading.time), reading.value(metric)) for reading in readings)
    return {timestamp: value for timestamp, value in values if value is not None}


def first_allowed(newest: int, retention: int) -> int:
    """Return the first time of which every reading of its day is kept, all in milliseconds."""
    return Interval.DAY.ceil(max(0, newest - retention))


def reason_of(error: ResponseError) -> str:
    """Return the reason why Redis refused a sample, as it is counted."""
    text = str(error)
    return next((reason for sign, reason in _REASONS.items() if sign in text), "refused-by-redis")

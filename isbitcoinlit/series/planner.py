"""Buckets of a series, from the coarsest series that has them exactly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from isbitcoinlit.models import Metric, Span
from isbitcoinlit.redis_client import redis_errors, series_reply
from isbitcoinlit.series.buckets import (
    DAY_MILLISECONDS,
    ROLLED_UP,
    Bucket,
    Interval,
    Level,
    Part,
    fold,
)
from isbitcoinlit.series.keys import Keys

STRETCH = 56 * DAY_MILLISECONDS
"""What is read of the readings themselves at a time: 160,000 samples block Redis for about 8 ms."""

_OF_ROLLUP: Mapping[Part, Part] = {Part.COUNT: Part.SUM}
"""How several numbers of a roll-up become one; the others are made of their own kind."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the buckets of one metric come from: a roll-up, or the readings themselves."""

    metric: Metric
    level: Level | None
    newest: int = 0
    """Time of the metric's last reading, if it comes from a roll-up; later ones may have come."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """One TS.RANGE."""

    source: _Source
    part: Part
    span: Span
    aggregated: bool


Found = dict[Metric, dict[int, dict[Part, float]]]


class BucketReader:
    """Reads what each bucket of a range has."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._complete: set[str] = set()

    async def read(
        self,
        feed: str,
        metrics: Sequence[Metric],
        interval: Interval,
        parts: Sequence[Part],
        span: Span,
    ) -> dict[Metric, dict[int, Bucket]]:
        """Return the parts of each bucket from `span.begin` to before `span.end`.

        Both ends have to be starts of buckets; buckets without samples are absent. Roll-ups take
        two round trips, readings one for every eight weeks; what one brings is of one moment.
        Raises a `StorageError`.
        """
        found: Found = {metric: {} for metric in metrics}
        sources = await self._plan(feed, metrics, interval, parts)
        for stretch in _stretches(sources, interval, span):
            asks = [
                ask
                for source in sources
                for part in parts
                for ask in _asks(source, part, interval, stretch)
            ]
            with redis_errors():
                pipe = self._redis.pipeline(transaction=True)
                for ask in asks:
                    self._put(pipe, feed, ask, interval)
                replies = await pipe.execute(raise_on_error=False)
            for ask, reply in zip(asks, replies, strict=True):
                _take(found, ask, interval, series_reply(reply) or ())
        return {m: {start: found[m][start] for start in sorted(found[m])} for m in metrics}

    async def _plan(
        self, feed: str, metrics: Sequence[Metric], interval: Interval, parts: Sequence[Part]
    ) -> list[_Source]:
        level = _level(interval, parts)
        keys = {metric: self._keys.series(feed, metric) for metric in metrics}
        if level is None:
            return [_Source(metric, None) for metric in metrics]
        unknown = [key for key in keys.values() if key not in self._complete]
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for key in keys.values():
                pipe.ts().get(key)
            pipe.hmget(self._keys.rollups, unknown or [""])
            *samples, states = await pipe.execute(raise_on_error=False)
        # Once they are complete, roll-ups stay so.
        self._complete |= {key for key, state in zip(unknown, states, strict=False) if state}
        newest = zip(metrics, map(series_reply, samples), strict=True)
        return [
            _Source(metric, level, int(sample[0])) if keys[metric] in self._complete and sample
            else _Source(metric, None)
            for metric, sample in newest
        ]  # fmt: skip

    def _put(self, pipe: Any, feed: str, ask: _Ask, interval: Interval) -> None:
        metric, level, part = ask.source.metric, ask.source.level, ask.part
        if level is None:
            key, aggregation = self._keys.series(feed, metric), part
        else:
            key = self._keys.rollup(feed, metric, level, part)
            aggregation = _OF_ROLLUP.get(part, part)
        pipe.ts().range(
            key,
            ask.span.begin,
            ask.span.end - 1,
            aggregation_type=aggregation if ask.aggregated else None,
            bucket_size_msec=interval.width,
            align=interval.origin if ask.aggregated else None,
            # With the bucket that still runs, which a roll-up need not have yet.
            latest=not ask.aggregated,
        )


def _level(interval: Interval, parts: Sequence[Part]) -> Level | None:
    """Return the longest roll-up of which whole ones make up such buckets."""
    if not set(parts) <= set(ROLLED_UP):
        return None
    fitting = [level for level in Level if interval.width % level.width == 0]
    return max(fitting, key=lambda level: level.width, default=None)


def _stretches(sources: Sequence[_Source], interval: Interval, span: Span) -> list[Span]:
    """Cut a long range of readings, so that Redis can answer others in between."""
    if all(source.level for source in sources):
        return [span] if span.begin < span.end else []
    step = STRETCH - STRETCH % interval.width
    return [Span(begin, min(span.end, begin + step)) for begin in range(span.begin, span.end, step)]


def _asks(source: _Source, part: Part, interval: Interval, span: Span) -> list[_Ask]:
    """Let Redis put together what is over; the running bucket of a roll-up it would count twice."""
    if source.level is None:
        return [_Ask(source, part, span, aggregated=True)]
    if source.level.width == interval.width:
        return [_Ask(source, part, span, aggregated=False)]
    over = min(max(interval.floor(source.newest), span.begin), span.end)
    halves = ((Span(span.begin, over), True), (Span(over, span.end), False))
    return [
        _Ask(source, part, half, aggregated=aggregated)
        for half, aggregated in halves
        if half.begin < half.end
    ]


def _take(found: Found, ask: _Ask, interval: Interval, rows: Iterable[tuple[int, float]]) -> None:
    """Note the rows of one reply, those of a shorter roll-up put together.

    The server tells of a running bucket twice where the roll-up has it already.
    """
    buckets, part, level = found[ask.source.metric], ask.part, ask.source.level
    if ask.aggregated or (level and level.width == interval.width):
        for start, value in rows:
            buckets.setdefault(start, {})[part] = value
        return
    for start, value in sorted(dict(rows).items()):
        bucket = buckets.setdefault(interval.floor(start), {})
        known = bucket.get(part)
        bucket[part] = value if known is None else fold(part, known, value)

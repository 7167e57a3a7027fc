"""The readings of a feed as they are stored."""

from redis.asyncio import Redis

from isbitcoinlit.clock import from_milliseconds
from isbitcoinlit.models import PAIR, Metric, Reading, Span
from isbitcoinlit.redis_client import redis_errors, series_reply
from isbitcoinlit.series.keys import Keys

EVERYTHING = tuple(Metric)


class ReadingReader:
    """Reads stored readings, and what is known of their extent."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def read(self, feed: str, span: Span, limit: int) -> list[Reading]:
        """Return the first `limit` readings of `[begin, end)`, oldest first.

        One round trip; raises a `StorageError`.
        """
        if span.begin >= span.end:
            return []
        with redis_errors():
            pipe = self._redis.pipeline(transaction=True)
            for metric in EVERYTHING:
                pipe.ts().range(
                    self._keys.series(feed, metric), span.begin, span.end - 1, count=limit
                )
            replies = await pipe.execute(raise_on_error=False)
        values: dict[int, dict[Metric, float]] = {}
        for metric, reply in zip(EVERYTHING, replies, strict=True):
            for time, value in series_reply(reply) or ():
                values.setdefault(time, {})[metric] = value
        # Each series gave its first ones, so the first of them all are among these.
        return [_reading(time, values[time]) for time in sorted(values)[:limit]]

    async def last_values(self, feed: str, before: int) -> dict[Metric, tuple[int, float]]:
        """Return time and value of each metric's last sample before a moment, if it has one."""
        if before <= 0:
            return {}
        with redis_errors():
            pipe = self._redis.pipeline(transaction=True)
            for metric in PAIR:
                pipe.ts().revrange(self._keys.series(feed, metric), "-", before - 1, count=1)
            replies = await pipe.execute(raise_on_error=False)
        rows = zip(PAIR, map(series_reply, replies), strict=True)
        return {metric: (int(row[0][0]), float(row[0][1])) for metric, row in rows if row}

    async def oldest(self, feed: str) -> int | None:
        """Return the time of the first reading, in milliseconds."""
        with redis_errors():
            pipe = self._redis.pipeline(transaction=True)
            for metric in PAIR:
                pipe.ts().range(self._keys.series(feed, metric), "-", "+", count=1)
            replies = await pipe.execute(raise_on_error=False)
        return min((int(row[0][0]) for row in map(series_reply, replies) if row), default=None)

    async def exists(self, feed: str) -> bool:
        """Tell whether anything was ever stored of a feed."""
        with redis_errors():
            return bool(await self._redis.exists(*(self._keys.series(feed, m) for m in PAIR)))


def _reading(time: int, values: dict[Metric, float]) -> Reading:
    return Reading(
        time=from_milliseconds(time),
        price=values.get(Metric.PRICE),
        sentiment=values.get(Metric.SENTIMENT),
        median=values.get(Metric.MEDIAN),
        count=values.get(Metric.COUNT),
    )

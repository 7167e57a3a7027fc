"""Hourly averages, computed by Redis."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from redis.asyncio import Redis

from isbitcoinlit.clock import HOUR, HOUR_MILLISECONDS, from_milliseconds, to_milliseconds
from isbitcoinlit.models import PAIR, Metric
from isbitcoinlit.redis_client import redis_errors, series_reply
from isbitcoinlit.series.keys import Keys


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of one metric over one hour, and of how many samples."""

    value: float
    samples: int


HourlyAverages = Mapping[Metric, Mapping[datetime, Average]]
"""For each metric the averages by the start of their hour; hours without samples are absent."""


class Rollups:
    """Aggregations over the series of one Redis."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def hourly(self, feed: str, first: datetime, last: datetime) -> HourlyAverages:
        """Return the averages of the full hours from `first` to `last`, both included.

        One round trip, in a transaction, so that average and count speak of the same samples.
        """
        begin, end = to_milliseconds(first), to_milliseconds(last + HOUR) - 1
        with redis_errors():
            pipe = self._redis.pipeline(transaction=True)
            for metric in PAIR:
                for aggregation in ("avg", "count"):
                    pipe.ts().range(
                        self._keys.series(feed, metric),
                        begin,
                        end,
                        aggregation_type=aggregation,
                        bucket_size_msec=HOUR_MILLISECONDS,
                    )
            replies = await pipe.execute(raise_on_error=False)
        rows = [dict(series_reply(reply) or ()) for reply in replies]
        pairs = zip(rows[::2], rows[1::2], strict=True)
        return {metric: _join(*pair) for metric, pair in zip(PAIR, pairs, strict=True)}


def _join(averages: dict[int, float], counts: dict[int, float]) -> dict[datetime, Average]:
    return {
        from_milliseconds(hour): Average(value, int(counts[hour]))
        for hour, value in averages.items()
    }

"""What Redis lacks of the samples that a feed sent, found without asking for each of them.

A feed sends the same day at every pull. Reading that day back from Redis each time costs far
more than asking how many samples each hour has: as long as these numbers agree with what this
process saw stored, what it remembers is what Redis holds. Timestamps are milliseconds.
"""

from collections.abc import Iterable, Mapping

from redis.asyncio import Redis

from isbitcoinlit.clock import HOUR_MILLISECONDS
from isbitcoinlit.redis_client import redis_errors, series_reply

Samples = Mapping[int, float]
"""Values by timestamp."""


class RecentSamples:
    """The timestamps that one series is known to hold, hour by hour."""

    def __init__(self) -> None:
        self._hours: dict[int, set[int]] = {}

    def doubtful(self, counts: Mapping[int, float], hours: Iterable[int]) -> list[int]:
        """Return the hours in which Redis has another number of samples than remembered."""
        return [hour for hour in hours if counts.get(hour, 0) != len(self._hours.get(hour, ()))]

    def learn(self, hours: Iterable[int], timestamps: Iterable[int]) -> None:
        """Replace what is remembered about these hours by what Redis was seen to hold."""
        for hour in hours:
            self._hours.pop(hour, None)
        self.add(timestamps)

    def add(self, timestamps: Iterable[int]) -> None:
        """Remember samples that have just been stored."""
        for timestamp in timestamps:
            self._hours.setdefault(hour_of(timestamp), set()).add(timestamp)

    def missing(self, samples: Samples) -> dict[int, float]:
        """Return the samples that Redis does not have."""
        nothing: set[int] = set()
        return {
            timestamp: value
            for timestamp, value in samples.items()
            if timestamp not in self._hours.get(hour_of(timestamp), nothing)
        }

    def forget_before(self, hour: int) -> None:
        """Drop the hours that the feed no longer sends."""
        for old in [known for known in self._hours if known < hour]:
            del self._hours[old]


class RecentSeries:
    """What is known of the recent part of every series that this process writes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._known: dict[str, RecentSamples] = {}

    def __getitem__(self, key: str) -> RecentSamples:
        return self._known.setdefault(key, RecentSamples())

    def forget(self, keys: Iterable[str]) -> None:
        """Know nothing of these series any more."""
        for key in keys:
            self._known.pop(key, None)

    async def update(self, wanted: Mapping[str, Samples]) -> bool:
        """Bring what is known of the samples' hours up to date; return whether it was wrong.

        One round trip, and a second one when somebody else wrote (or Redis lost) something.
        """
        spans = {key: _hours(samples) for key, samples in wanted.items() if samples}
        counts = await self._ranges(spans, count=True)
        doubtful = {}
        for key, hours in spans.items():
            self[key].forget_before(hours[0])
            if wrong := self[key].doubtful(counts[key], hours):
                doubtful[key] = range(wrong[0], wrong[-1] + 1, HOUR_MILLISECONDS)
        for key, rows in (await self._ranges(doubtful, count=False)).items():
            self[key].learn(doubtful[key], rows)
        return bool(doubtful)

    async def _ranges(
        self, spans: Mapping[str, range], *, count: bool
    ) -> dict[str, dict[int, float]]:
        """Return the samples of each series in its span of hours, or their number by the hour."""
        if not spans:
            return {}
        # Without an aggregation the server ignores the size of its buckets.
        aggregation = "count" if count else None
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for key, hours in spans.items():
                pipe.ts().range(
                    key,
                    hours[0],
                    hours[-1] + HOUR_MILLISECONDS - 1,
                    aggregation_type=aggregation,
                    bucket_size_msec=HOUR_MILLISECONDS,
                )
            replies = await pipe.execute(raise_on_error=False)
        return {key: dict(series_reply(r) or ()) for key, r in zip(spans, replies, strict=True)}


def hour_of(timestamp: int) -> int:
    """Return the start of the hour that a timestamp lies in, both in milliseconds."""
    return timestamp - timestamp % HOUR_MILLISECONDS


def _hours(samples: Samples) -> range:
    """Return the starts of all hours from the first to the last sample."""
    return range(hour_of(min(samples)), hour_of(max(samples)) + 1, HOUR_MILLISECONDS)

"""Who asked how often in the last hour and the last day, kept in Redis with a time to live."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock
from isbitcoinlit.limits.policy import Group
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys

CLIENTS = 5_000
"""How many clients a bucket keeps; beyond that those who asked least are forgotten."""
_SCRATCH_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time that ends now, told in buckets."""

    name: str
    bucket_seconds: int
    buckets: int
    """How many buckets reach back over the period, the one being filled included."""


HOUR = Period("hour", 600, 7)
DAY = Period("day", 3_600, 25)
PERIODS = {period.name: period for period in (HOUR, DAY)}

Requests = Mapping[tuple[str, Group], int]
"""Requests by the client's pseudonym and the group."""


class ClientUsage(NamedTuple):
    """What one client asked for."""

    client: str
    requests: int
    groups: dict[Group, int]


@dataclass(frozen=True, slots=True)
class Usage:
    """What was asked for in a period."""

    period: Period
    statuses: dict[Group, dict[int, int]]
    """Answers by group and HTTP status."""
    top: tuple[ClientUsage, ...]


class Ledger:
    """Adds to the buckets, and reads them; never on the path of a request that is counted."""

    def __init__(self, redis: Redis, keys: Keys, clock: Clock) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock

    async def add(self, requests: Requests, statuses: Mapping[str, int]) -> None:
        """Add to the buckets being filled; `statuses` is by `group|status`.

        Raises `RedisUnavailable`.
        """
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for period in PERIODS.values():
                bucket = self._buckets(period)[0]
                statuses_key, clients, pairs = self._bucket_keys(period, bucket)
                for name, n in statuses.items():
                    pipe.hincrby(statuses_key, name, n)
                for (client, group), n in requests.items():
                    pipe.zincrby(clients, n, client)
                    pipe.zincrby(pairs, n, f"{client} {group}")
                pipe.zremrangebyrank(clients, 0, -CLIENTS - 1)
                pipe.zremrangebyrank(pairs, 0, -len(Group) * CLIENTS - 1)
                for key in (statuses_key, clients, pairs):
                    pipe.expire(key, period.bucket_seconds * (period.buckets + 1))
            await pipe.execute()

    async def read(self, period: Period, top: int) -> Usage:
        """Return what was asked for, and the clients that asked most; raises `RedisUnavailable`."""
        keys = [self._bucket_keys(period, bucket) for bucket in self._buckets(period)]
        scratch = self._keys.usage("scratch", period.name)
        with redis_errors():
            pipe = self._redis.pipeline(transaction=True)
            for statuses_key, _, _ in keys:
                pipe.hgetall(statuses_key)
            pipe.zunionstore(scratch, [clients for _, clients, _ in keys])
            pipe.expire(scratch, _SCRATCH_SECONDS)
            pipe.zrevrange(scratch, 0, top - 1, withscores=True)
            *buckets, _, _, clients = await pipe.execute()
        return Usage(period, _add_up(buckets), await self._by_group(keys, clients))

    async def _by_group(
        self, keys: list[tuple[str, str, str]], clients: list[tuple[str, float]]
    ) -> tuple[ClientUsage, ...]:
        if not clients:
            return ()
        members = [f"{client} {group}" for client, _ in clients for group in Group]
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for _, _, pairs in keys:
                pipe.zmscore(pairs, members)
            scores = await pipe.execute()
        sums = [int(sum(score or 0 for score in column)) for column in zip(*scores, strict=True)]
        by_member = dict(zip(members, sums, strict=True))
        return tuple(
            ClientUsage(
                client,
                int(requests),
                {group: n for group in Group if (n := by_member[f"{client} {group}"])},
            )
            for client, requests in clients
        )

    def _buckets(self, period: Period) -> list[int]:
        """Return the buckets' numbers, newest first."""
        newest = int(self._clock.now().timestamp()) // period.bucket_seconds
        return [newest - i for i in range(period.buckets)]

    def _bucket_keys(self, period: Period, bucket: int) -> tuple[str, str, str]:
        name = (period.name, str(bucket))
        return (
            self._keys.usage(*name, "statuses"),
            self._keys.usage(*name, "clients"),
            self._keys.usage(*name, "groups"),
        )


def _add_up(buckets: list[dict[str, str]]) -> dict[Group, dict[int, int]]:
    statuses: dict[Group, dict[int, int]] = {}
    for bucket in buckets:
        for name, n in bucket.items():
            group, _, status = name.partition("|")
            of_group = statuses.setdefault(Group(group), {})
            of_group[int(status)] = of_group.get(int(status), 0) + int(n)
    return statuses

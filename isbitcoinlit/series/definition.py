"""How the time series of a feed are made, and corrected when they differ."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from isbitcoinlit.errors import SchemaNewer
from isbitcoinlit.models import PAIR, UNITS, Metric
from isbitcoinlit.redis_client import redis_errors, translate
from isbitcoinlit.series.buckets import Level
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rules import Rule, Rules, rules_of

DUPLICATE_POLICY = "first"
"""What was stored stays: a feed that repeats itself, or contradicts itself, changes nothing."""
ROLLUP_POLICY = "last"
"""A roll-up that is built anew replaces what an interrupted build left."""
RAW_CHUNK = 4_096
ROLLUP_CHUNKS = {Level.HOUR: 1_024, Level.DAY: 512}
"""Bytes; an empty series takes one chunk, and there are twelve roll-ups to a series."""
SCHEMA = 1
"""The version of what our keys hold; it grows when an older process would misread it."""


@dataclass(frozen=True, slots=True)
class SeriesDefinition:
    """The properties one series should have."""

    key: str
    labels: dict[str, str]
    retention_ms: int
    policy: str
    chunk: int


class SeriesDefinitions:
    """Creates series once per process; idempotent, whatever else created them."""

    def __init__(self, redis: Redis, keys: Keys, *, retention_seconds: int) -> None:
        self._redis = redis
        self._keys = keys
        self._retention_ms = retention_seconds * 1_000
        self._rules = Rules(redis, keys)
        self._ensured: set[tuple[str, Metric]] = set()

    async def ensure(self, feed: str, metrics: Iterable[Metric] = PAIR) -> None:
        """Make the series of a feed exist as designed; free after the first time.

        Raises `SchemaNewer`, having changed nothing, if this version is too old for this Redis.
        """
        missing = [metric for metric in metrics if (feed, metric) not in self._ensured]
        if not missing:
            return
        await self._check_schema()
        wanted = list(chain.from_iterable(self._define(feed, metric) for metric in missing))
        existing = await self._create(wanted)
        await self._correct(existing)
        for metric in missing:
            if metric in PAIR:
                await self._rules.make(feed, metric)
            self._ensured.add((feed, metric))

    async def _check_schema(self) -> None:
        """Leave our version if there is none; what is unreadable is no reason to stop."""
        with redis_errors():
            try:
                found: Any = await self._redis.set(self._keys.schema, SCHEMA, nx=True, get=True)
            except ResponseError as error:
                if "WRONGTYPE" not in str(error):
                    raise
                return
        if found and found.isdecimal() and int(found) > SCHEMA:
            raise SchemaNewer(
                f"A newer version of this service keeps its data in this Redis (schema {found}, "
                f"this version knows {SCHEMA}): upgrade this one, or give it an "
                "ISBITCOINLIT_KEY_PREFIX of its own."
            )

    def forget(self, feed: str) -> None:
        """Look again the next time."""
        self._ensured = {known for known in self._ensured if known[0] != feed}

    def _define(self, feed: str, metric: Metric) -> list[SeriesDefinition]:
        """A series, and its roll-ups, which are never deleted, if it has any."""
        labels = {"feed": feed, "metric": str(metric), "unit": UNITS[metric]}
        key = self._keys.series(feed, metric)
        raw = SeriesDefinition(key, labels, self._retention_ms, DUPLICATE_POLICY, RAW_CHUNK)
        if metric not in PAIR:
            return [raw]
        return [raw, *(_define_rollup(rule, labels) for rule in rules_of(self._keys, feed, metric))]

    async def _create(self, wanted: list[SeriesDefinition]) -> list[SeriesDefinition]:
        """Create what does not exist; return what did."""
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for series in wanted:
                pipe.ts().create(
                    series.key,
                    retention_msecs=series.retention_ms,
                    labels=series.labels,
                    duplicate_policy=series.policy,
                    chunk_size=series.chunk,
                )
            replies = await pipe.execute(raise_on_error=False)
        existing = []
        for series, reply in zip(wanted, replies, strict=True):
            if isinstance(reply, ResponseError) and "already exists" in str(reply):
                existing.append(series)
            elif isinstance(reply, ResponseError):
                raise translate(reply, series.key)
            elif isinstance(reply, Exception):
                raise reply
        return existing

    async def _correct(self, existing: list[SeriesDefinition]) -> None:
        if not existing:
            return
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for series in existing:
                pipe.ts().info(series.key)
            infos = await pipe.execute(raise_on_error=False)
            for info, series in zip(infos, existing, strict=True):
                if isinstance(info, ResponseError):
                    raise translate(info, series.key)
                if _differs(info, series):
                    await self._redis.ts().alter(
                        series.key,
                        retention_msecs=series.retention_ms,
                        labels=series.labels,
                        duplicate_policy=series.policy,
                    )


def _define_rollup(rule: Rule, labels: dict[str, str]) -> SeriesDefinition:
    own = {"part": str(rule.part), "interval": str(rule.level)}
    chunk = ROLLUP_CHUNKS[rule.level]
    return SeriesDefinition(rule.destination, labels | own, 0, ROLLUP_POLICY, chunk)


def _differs(info: object, series: SeriesDefinition) -> bool:
    found = (
        getattr(info, "labels", None),
        getattr(info, "retention_msecs", None),
        getattr(info, "duplicate_policy", None),
    )
    return found != (series.labels, series.retention_ms, series.policy)

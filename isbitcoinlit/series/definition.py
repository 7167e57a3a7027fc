"""How the time series of a feed are made, and corrected when they differ."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from isbitcoinlit.errors import SchemaNewer
from isbitcoinlit.models import UNITS, Metric
from isbitcoinlit.redis_client import redis_errors, translate
from isbitcoinlit.series.keys import Keys

DUPLICATE_POLICY = "first"
"""What was stored stays: a feed that repeats itself, or contradicts itself, changes nothing."""
SCHEMA = 1
"""The version of what our keys hold; it grows when an older process would misread it."""


@dataclass(frozen=True, slots=True)
class SeriesDefinition:
    """The properties one series should have."""

    key: str
    labels: dict[str, str]
    retention_ms: int


class SeriesDefinitions:
    """Creates series once per process; idempotent, whatever else created them."""

    def __init__(self, redis: Redis, keys: Keys, *, retention_seconds: int) -> None:
        self._redis = redis
        self._keys = keys
        self._retention_ms = retention_seconds * 1_000
        self._ensured: set[str] = set()

    async def ensure(self, feed: str) -> None:
        """Make the series of a feed exist as designed; free after the first time.

        Raises `SchemaNewer`, having changed nothing, if this version is too old for this Redis.
        """
        if feed in self._ensured:
            return
        await self._check_schema()
        wanted = [self._define(feed, metric) for metric in Metric]
        existing = await self._create(wanted)
        await self._correct(existing)
        self._ensured.add(feed)

    async def _check_schema(self) -> None:
        """Leave our version if there is none; what is unreadable is no reason to stop."""
        with redis_errors():
            found: Any = await self._redis.set(self._keys.schema, SCHEMA, nx=True, get=True)
        if found and found.isdecimal() and int(found) > SCHEMA:
            raise SchemaNewer(
                f"A newer version of this service keeps its data in this Redis (schema {found}, "
                f"this version knows {SCHEMA}): upgrade this one, or give it an "
                "ISBITCOINLIT_KEY_PREFIX of its own."
            )

    def forget(self, feed: str) -> None:
        """Look again the next time."""
        self._ensured.discard(feed)

    def _define(self, feed: str, metric: Metric) -> SeriesDefinition:
        labels = {"feed": feed, "metric": str(metric), "unit": UNITS[metric]}
        return SeriesDefinition(self._keys.series(feed, metric), labels, self._retention_ms)

    async def _create(self, wanted: list[SeriesDefinition]) -> list[SeriesDefinition]:
        """Create what does not exist; return what did."""
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for series in wanted:
                pipe.ts().create(
                    series.key,
                    retention_msecs=series.retention_ms,
                    labels=series.labels,
                    duplicate_policy=DUPLICATE_POLICY,
                )
            replies = await pipe.execute(raise_on_error=False)
        existing = []
        for series, reply in zip(wanted, replies, strict=True):
            if isinstance(reply, ResponseError) and "already exists" in str(reply):
                existing.append(series)
            elif isinstance(reply, ResponseError):
                raise translate(reply)
            elif isinstance(reply, Exception):
                raise reply
        return existing

    async def _correct(self, existing: list[SeriesDefinition]) -> None:
        for series in existing:
            with redis_errors():
                info = await self._redis.ts().info(series.key)
                if _differs(info, series):
                    await self._redis.ts().alter(
                        series.key,
                        retention_msecs=series.retention_ms,
                        labels=series.labels,
                        duplicate_policy=DUPLICATE_POLICY,
                    )


def _differs(info: object, series: SeriesDefinition) -> bool:
    found = (
        getattr(info, "labels", None),
        getattr(info, "retention_msecs", None),
        getattr(info, "duplicate_policy", None),
    )
    return found != (series.labels, series.retention_ms, DUPLICATE_POLICY)

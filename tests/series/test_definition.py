"""Series are made as designed, and corrected where they differ."""

from typing import Any

import pytest
from redis.asyncio import Redis

from isbitcoinlit.models import PAIR, Metric
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.store import SeriesStore
from tests.command_count import CommandCount

pytestmark = pytest.mark.anyio

LABELS = {
    Metric.PRICE: {"feed": "given", "metric": "price", "unit": "usd-per-btc"},
    Metric.SENTIMENT: {"feed": "given", "metric": "sentiment", "unit": "score"},
}


async def properties(redis: Redis, key: str) -> tuple[Any, ...]:
    """Labels, duplicate policy and retention in milliseconds of a series."""
    info = await redis.ts().info(key)
    return info["labels"], info["duplicate_policy"], info["retention_msecs"]


@pytest.mark.parametrize("metric", PAIR)
async def test_a_new_series_is_as_designed(
    redis: Redis, keys: Keys, store: SeriesStore, metric: Metric
) -> None:
    """A series says what it is, keeps the first of two values, and keeps it for ever."""
    await store.prepare("given")

    key = keys.series("given", metric)
    assert await properties(redis, key) == (LABELS[metric], "first", 0)


async def test_a_series_that_differs_is_corrected(redis: Redis, keys: Keys) -> None:
    """Labels, policy and retention that somebody else chose become ours; samples stay."""
    key = keys.series("given", Metric.PRICE)
    await redis.ts().create(
        key, labels={"feed": "x"}, duplicate_policy="last", retention_msecs=5_000_000_000
    )
    await redis.ts().add(key, 1_625_000_000_000, 7)

    await SeriesStore(redis, keys, retention_seconds=1_000_000).prepare("given")

    assert await properties(redis, key) == (LABELS[Metric.PRICE], "first", 1_000_000_000)
    assert await redis.ts().get(key) == (1_625_000_000_000, 7)


async def test_a_series_as_designed_is_left_alone(
    redis: Redis, keys: Keys, store: SeriesStore, count: CommandCount
) -> None:
    """The next process that starts alters nothing."""
    await store.prepare("given")
    await count.begin()

    await SeriesStore(redis, keys).prepare("given")

    commands = await count.commands()
    assert set(commands) == {
        "set",
        "ts.create",
        "ts.info",
        "evalsha",
        "ts.get",
        "ts.createrule",
        "hset",
    }
    assert commands["ts.create"] == commands["ts.info"] == 26


async def test_preparing_again_is_free(store: SeriesStore, count: CommandCount) -> None:
    """A process looks at its series once."""
    await store.prepare("given")
    await count.begin()

    await store.prepare("given")

    assert await count.commands() == {}


def test_all_keys_share_a_cluster_slot() -> None:
    """Every key begins with the prefix as its hash tag."""
    keys = Keys("lit")
    names = (
        keys.series("demo", Metric.PRICE),
        keys.snapshot,
        keys.snapshot_lock,
        keys.events,
        keys.status,
        keys.lease("demo"),
    )

    assert len(set(names)) == 6
    assert all(name.startswith("{lit}:") for name in names)

"""What is in Redis may be something else than what was left there."""

import json
from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from isbitcoinlit.census import WrongKey, kind_of, wrong_keys
from isbitcoinlit.doctor import examine
from isbitcoinlit.errors import SchemaNewer, SeriesUnusable
from isbitcoinlit.models import UNITS, Metric
from isbitcoinlit.series.definition import SCHEMA
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from tests.assembly import process
from tests.manual_clock import ManualClock
from tests.readings import GivenFeed, readings

pytestmark = pytest.mark.anyio


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The test's keys."""
    return Keys(key_prefix)


async def test_a_used_redis_has_no_wrong_key(
    settings: Callable[..., Settings], redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """What the service leaves is of the types that it is judged by, and every key is judged."""
    async with process(settings(), redis, GivenFeed(readings(20)), clock) as resources:
        await resources.refresher.take_turn()
        await resources.traffic.settle()
        assert await wrong_keys(redis, keys) == []
        prefix = keys.schema.removesuffix("schema")
        names = [str(key).removeprefix(prefix) async for key in redis.scan_iter(f"{prefix}*")]

    assert [name for name in names if kind_of(name) is None] == []


async def test_the_doctor_names_a_wrong_key(
    settings: Callable[..., Settings], redis: Redis, keys: Keys
) -> None:
    """A key of another type is named, with what to do about it."""
    await redis.rpush(keys.events, "x")

    findings = [finding async for finding in examine(settings())]

    [named] = [finding for finding in findings if finding.what == "key"]
    assert f"{keys.events} holds list, not stream" in named.found
    assert f"DEL '{keys.events}'" in (named.advice or "")
    assert await wrong_keys(redis, keys) == [WrongKey(keys.events, "list", "stream")]


async def test_the_doctor_goes_on_beside_a_wrong_series(
    settings: Callable[..., Settings], redis: Redis, keys: Keys
) -> None:
    """Where the feed's own series is wrong, that is named, and the feed still looked at."""
    wrong = keys.series("demo", Metric.PRICE)
    await redis.set(wrong, "x")

    findings = {finding.what: finding async for finding in examine(settings())}

    assert f"{wrong} holds string, not TSDB-TYPE" in findings["key"].found
    assert "not our time series" in findings["data"].found
    assert findings["data"].advice
    assert findings["feed demo"].advice is None


async def test_a_wrong_snapshot_is_absent(
    settings: Callable[..., Settings], redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """A cached snapshot of another type, or one that nobody can read, is computed and replaced."""
    async with process(settings(), redis, GivenFeed(readings(20)), clock) as resources:
        await resources.refresher.force()
        resources.memory.distrust()
        await redis.delete(keys.snapshot)
        await redis.rpush(keys.snapshot, "x")
        first = await resources.cache.get()
        await resources.cache.aclose()
        kind = await redis.type(keys.snapshot)
        resources.memory.distrust()
        await redis.set(keys.snapshot, '{"is_bitcoin_lit": tru')
        second = await resources.cache.get()
        await resources.cache.aclose()

    assert kind == "string"
    assert first.snapshot == second.snapshot


async def test_what_a_newer_version_adds_is_ignored(
    settings: Callable[..., Settings], redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """A snapshot with one more field, and a key nobody knows, are no reason to stop."""
    async with process(settings(), redis, GivenFeed(readings(20)), clock) as resources:
        report = await resources.refresher.force()
        await resources.refresher.share(report)
        document = json.loads(await redis.get(keys.snapshot) or "")
        await redis.set(keys.snapshot, json.dumps(document | {"moon": True}), ex=60)
        await redis.set(f"{{{keys.prefix}}}:moon", "x")
        resources.memory.distrust()
        answer = await resources.cache.get()

    assert answer.snapshot == report.snapshot
    assert await wrong_keys(redis, keys) == []


async def test_every_other_key_may_be_wrong(
    settings: Callable[..., Settings], redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """Whatever else holds something of another type, polls are answered."""
    async with process(settings(), redis, GivenFeed(readings(20)), clock) as resources:
        await resources.refresher.force()
        for name in (keys.events, keys.status, keys.lease("given"), keys.snapshot_lock):
            await redis.delete(name)
            await redis.sadd(name, "x")
        resources.memory.distrust()
        answer = await resources.cache.get()
        await resources.cache.aclose()

    assert answer.snapshot.feed == "given"


@pytest.mark.parametrize("name", ["given:price", "given:price:1h:sum", "rollups", "schema"])
async def test_a_wrong_key_stops_no_start(
    settings: Callable[..., Settings], redis: Redis, keys: Keys, clock: ManualClock, name: str
) -> None:
    """A service starts beside it, `doctor` names it, and without it refreshes work again."""
    wrong = f"{{{keys.prefix}}}:{name}"
    await redis.rpush(wrong, "x")
    feed = GivenFeed(readings(20))

    async with process(settings(), redis, feed, clock) as resources:
        named = [finding async for finding in examine(settings()) if wrong in finding.found]
        if name != "schema":  # Nothing depends on that one.
            with pytest.raises(SeriesUnusable, match="not our time series"):
                await resources.refresher.force()
        await redis.delete(wrong)
        report = await resources.refresher.force()

    assert [finding.what for finding in named] == ["key"]
    assert report.added == 20


async def test_a_newer_schema_is_refused(
    settings: Callable[..., Settings], redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """A process does not touch what a newer version keeps, and says what to do."""
    await redis.set(keys.schema, SCHEMA + 1)

    with pytest.raises(SchemaNewer, match="upgrade this one"):
        async with process(settings(), redis, GivenFeed(readings(20)), clock):
            pass

    assert await redis.exists(keys.series("given", Metric.PRICE)) == 0
    assert await redis.get(keys.schema) == str(SCHEMA + 1)


async def test_series_of_the_first_release(
    settings: Callable[..., Settings], redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """Series made before there was a schema go on, and get its version."""
    for metric in Metric:
        key = keys.series("given", metric)
        labels = {"feed": "given", "metric": str(metric), "unit": UNITS[metric]}
        await redis.ts().create(key, labels=labels, duplicate_policy="first", retention_msecs=0)
        await redis.ts().add(key, 1_625_000_000_000, 0.5)

    async with process(settings(), redis, GivenFeed(readings(20)), clock) as resources:
        report = await resources.refresher.force()

    assert report.added == 20
    assert await redis.get(keys.schema) == str(SCHEMA)
    info = await redis.ts().info(keys.series("given", Metric.PRICE))
    assert info["total_samples"] == 21

"""Readings go into real time series, each of them once."""

import asyncio
from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.errors import LeaseLost, SeriesUnusable
from isbitcoinlit.fence import Fence
from isbitcoinlit.models import Metric, Span
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.store import BATCH, SeriesStore, Stored
from tests.command_count import CommandCount
from tests.readings import reading, readings

pytestmark = pytest.mark.anyio


async def stored(redis: Redis, keys: Keys, metric: Metric) -> list[tuple[int, float]]:
    """All samples of a metric, as the server holds them."""
    samples = await redis.ts().range(keys.series("given", metric), "-", "+")
    return [(int(at), float(value)) for at, value in samples]


async def test_readings_become_two_series(redis: Redis, keys: Keys, store: SeriesStore) -> None:
    """Price and sentiment are stored to the millisecond and to the last digit."""
    given = readings(3)

    assert await store.add("given", given) == Stored(added=3, already_stored=0, changed=True)

    times = [to_milliseconds(r.time) for r in given]
    prices = [(at, r.price) for at, r in zip(times, given, strict=True)]
    sentiments = [(at, r.sentiment) for at, r in zip(times, given, strict=True)]
    assert prices == await stored(redis, keys, Metric.PRICE)
    assert sentiments == await stored(redis, keys, Metric.SENTIMENT)


async def test_the_same_again_changes_nothing(store: SeriesStore) -> None:
    """A batch that was stored is recognised as a whole."""
    await store.add("given", readings(100))

    assert await store.add("given", readings(100)) == Stored(added=0, already_stored=100)


async def test_the_same_again_is_not_sent(store: SeriesStore, count: CommandCount) -> None:
    """Nothing new costs no TS.MADD, and one round trip."""
    await store.add("given", readings(2_880))
    await count.begin()

    await store.add("given", readings(2_880))

    assert await count.round_trips() == 1
    assert await count.commands() == {"ts.range": 2}


async def test_another_process_knows_too(
    redis: Redis, keys: Keys, store: SeriesStore, count: CommandCount
) -> None:
    """A process that starts anew reads what is there, and sends nothing that is stored."""
    await store.add("given", readings(2_880))
    await count.begin()

    again = await SeriesStore(redis, keys).add("given", readings(2_880))

    assert again == Stored(added=0, already_stored=2_880, changed=True)
    assert "ts.madd" not in await count.commands()


async def test_a_new_reading_costs_one_command(store: SeriesStore, count: CommandCount) -> None:
    """Both metrics of what is new go in a single TS.MADD."""
    await store.add("given", readings(100))
    await count.begin()

    assert await store.add("given", readings(101)) == Stored(1, 100, changed=True)
    assert await count.commands() == {"ts.range": 2, "evalsha": 1, "ts.madd": 1}


async def test_a_day_goes_in_batches(store: SeriesStore, count: CommandCount) -> None:
    """A day's samples are sent in as few commands as the size of a batch allows."""
    await store.prepare("given")
    await count.begin()

    await store.add("given", readings(2_880))

    assert (await count.commands())["ts.madd"] == -(-2 * 2_880 // BATCH)


async def test_a_late_reading_fills_its_gap(redis: Redis, keys: Keys, store: SeriesStore) -> None:
    """What comes hours late is stored between its neighbours."""
    day = readings(600)
    await store.add("given", day[:100] + day[101:])

    assert await store.add("given", day) == Stored(1, 599, changed=True)
    prices = await stored(redis, keys, Metric.PRICE)
    assert [price for _, price in prices] == [r.price for r in day]


async def test_a_late_value_fills_its_gap(redis: Redis, keys: Keys, store: SeriesStore) -> None:
    """A price that was bad at first and good later is stored then."""
    await store.add("given", [reading(0, None, 0.2), reading(30)])

    assert await store.add("given", [reading(0), reading(30)]) == Stored(1, 1, changed=True)
    assert len(await stored(redis, keys, Metric.PRICE)) == 2


async def test_the_first_value_stays(redis: Redis, keys: Keys, store: SeriesStore) -> None:
    """A feed that contradicts itself changes nothing, not even before a restart."""
    await store.add("given", [reading(0, 34_000.0)])

    await store.add("given", [reading(0, 99_000.0)])
    await SeriesStore(redis, keys).add("given", [reading(0, 99_000.0), reading(30)])

    prices = await stored(redis, keys, Metric.PRICE)
    assert [price for _, price in prices] == [34_000.0, 34_000.0]


async def test_what_somebody_else_wrote_is_noticed(
    redis: Redis, keys: Keys, store: SeriesStore
) -> None:
    """Two processes that store in turn never repeat each other."""
    other = SeriesStore(redis, keys)
    await store.add("given", readings(10))

    assert await other.add("given", readings(12)) == Stored(2, 10, changed=True)
    assert await store.add("given", readings(12)) == Stored(0, 12, changed=True)
    assert await store.add("given", readings(13)) == Stored(1, 12, changed=True)


@pytest.mark.parametrize("how", ["the lease is lost", "it is cancelled"])
async def test_what_was_stored_before_an_error_is_told(redis: Redis, keys: Keys, how: str) -> None:
    """Others hear of what was stored although the rest was not."""
    told: set[int] = set()

    async def hear(_feed: str, spans: Sequence[Span]) -> None:
        told.update(span.begin for span in spans)

    store = SeriesStore(redis, keys, tell=hear)
    await store.prepare("given")
    fence = Fence(keys.lease("given"), "1")
    work = asyncio.create_task(store.add("given", readings(50 * BATCH), fence))
    while not await store.count("given"):
        await asyncio.sleep(0)
    if how == "the lease is lost":
        await redis.set(fence.key, "2")
    while how == "it is cancelled" and not work.done():
        work.cancel()  # Python's `wait_for` passes over some of them.
        await asyncio.sleep(0)
    with pytest.raises((LeaseLost, asyncio.CancelledError)):
        await work

    taken = {at for at, _ in await stored(redis, keys, Metric.PRICE)}
    assert 0 < len(taken) < 50 * BATCH
    assert taken <= told


async def test_no_readings_are_no_work(store: SeriesStore, count: CommandCount) -> None:
    """An empty pull asks Redis for nothing."""
    await store.prepare("given")
    await count.begin()

    assert await store.add("given", []) == Stored(added=0, already_stored=0)
    assert await count.commands() == {}


async def test_feeds_are_never_mixed(store: SeriesStore) -> None:
    """A reading of one feed is none of another."""
    await store.add("given", [reading(0)])

    assert await store.newest("other") == {}


async def test_the_newest_sample_of_each_metric_is_found(store: SeriesStore) -> None:
    """A metric that fell silent has its own newest sample."""
    await store.add("given", [reading(0, 1.0, 0.1), reading(30, 2.0, None)])

    assert await store.newest("given") == {
        Metric.PRICE: (reading(30).time, 2.0),
        Metric.SENTIMENT: (reading(0).time, 0.1),
    }


async def test_an_emptied_redis_is_filled_again(
    redis: Redis, keys: Keys, store: SeriesStore
) -> None:
    """After FLUSHALL under a running service the next refresh stores all that the feed sends."""
    await store.add("given", readings(50))
    await redis.flushall()

    assert await store.add("given", readings(51)) == Stored(51, 0, changed=True)
    assert len(await stored(redis, keys, Metric.SENTIMENT)) == 51


@pytest.mark.parametrize("known", [False, True], ids=["at start", "under a running service"])
async def test_a_foreign_key_is_refused(
    redis: Redis, keys: Keys, store: SeriesStore, known: bool
) -> None:
    """A key of ours that holds text is left alone, and the error is about it."""
    if known:
        await store.add("given", readings(1))
    await redis.set(keys.series("given", Metric.PRICE), "somebody's text")

    with pytest.raises(SeriesUnusable, match="not our time series"):
        await store.add("given", readings(2))
    assert await redis.get(keys.series("given", Metric.PRICE)) == "somebody's text"

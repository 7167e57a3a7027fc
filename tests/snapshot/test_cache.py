"""The two-minute cache: one computation, however many polls and processes wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from isbitcoinlit.errors import NoData
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.snapshot.cache import LOCK_SECONDS, SnapshotCache
from isbitcoinlit.snapshot.document import from_json, to_json
from isbitcoinlit.snapshot.memory import SnapshotMemory, Source
from tests.command_count import CommandCount
from tests.manual_clock import ManualClock
from tests.readings import readings
from tests.snapshot.conftest import MakeCache
from tests.snapshot.samples import snapshot

pytestmark = pytest.mark.anyio

COMPUTATION = {"ts.get": 2, "ts.range": 4}
"""What the server is asked to do for one computation."""


@pytest.fixture
def cache(redis: Redis, make_cache: MakeCache, memory: SnapshotMemory) -> SnapshotCache:
    """The cache of one process."""
    return make_cache(redis, memory)


@pytest.fixture
def computations(count: CommandCount) -> Callable[[], Awaitable[dict[str, int]]]:
    """What the server was asked to do with time series since the count was begun."""

    async def count_them() -> dict[str, int]:
        commands = await count.commands()
        return {name: calls for name, calls in commands.items() if name.startswith("ts.")}

    return count_them


async def test_a_cold_cache_computes_and_shares(
    redis: Redis, keys: Keys, store: SeriesStore, cache: SnapshotCache
) -> None:
    """The first poll is computed, the next is from memory, and Redis has it for two minutes."""
    await store.add("given", readings(10))

    first = await cache.get()
    second = await cache.get()
    await cache.aclose()

    assert (first.source, second.source) == (Source.COMPUTED, Source.MEMORY)
    assert first.snapshot == second.snapshot
    assert from_json(await redis.get(keys.snapshot) or "") == first.snapshot
    assert 119_000 < await redis.pttl(keys.snapshot) <= 120_000
    assert not await redis.exists(keys.snapshot_lock)


async def test_two_hundred_polls_are_one_computation(
    store: SeriesStore,
    cache: SnapshotCache,
    count: CommandCount,
    computations: Callable[[], Awaitable[dict[str, int]]],
) -> None:
    """However many polls find the cache cold, Redis aggregates once."""
    await store.add("given", readings(10))
    await count.begin()

    answers = await asyncio.gather(*(cache.get() for _ in range(200)))

    assert await computations() == COMPUTATION
    assert len({id(answer.snapshot) for answer in answers}) == 1


async def test_two_processes_are_one_computation(
    redis: Redis,
    redis_url: str,
    key_prefix: str,
    make_cache: MakeCache,
    store: SeriesStore,
    count: CommandCount,
    computations: Callable[[], Awaitable[dict[str, int]]],
) -> None:
    """Of two processes that find the cache cold at once, one computes and the other waits."""
    await store.add("given", readings(10))
    async with connect(redis_url, key_prefix) as other:
        caches = [make_cache(redis), make_cache(other)]
        await count.begin()

        answers = await asyncio.gather(*(caches[i % 2].get() for i in range(200)))

        assert await computations() == COMPUTATION
        assert answers[0].snapshot == answers[1].snapshot
        assert {answer.source for answer in answers} == {Source.COMPUTED, Source.REDIS}
        await asyncio.gather(*(cache.aclose() for cache in caches))


async def test_what_redis_has_is_not_computed(
    redis: Redis, store: SeriesStore, make_cache: MakeCache, clock: ManualClock
) -> None:
    """A process that starts takes over what another has computed, with its age."""
    await store.add("given", readings(10))
    first = make_cache(redis)
    computed = await first.get()
    await first.aclose()

    taken_over = await make_cache(redis).get()

    assert taken_over.source is Source.REDIS
    assert taken_over.snapshot == computed.snapshot
    assert 0 <= taken_over.age < 1
    assert clock.monotonic() == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{",
        to_json(snapshot()).decode()[:-9],
        to_json(snapshot(feed="other")).decode(),
        to_json(snapshot()).decode().replace("+00:00", ""),
    ],
    ids=["empty", "null", "no JSON", "cut", "another feed's", "naive times"],
)
async def test_what_is_no_snapshot_of_ours_is_absent(
    redis: Redis, keys: Keys, store: SeriesStore, cache: SnapshotCache, text: str
) -> None:
    """What somebody else left in our key is neither served nor an error, and is replaced."""
    await store.add("given", readings(10))
    await redis.set(keys.snapshot, text, ex=100)

    answer = await cache.get()
    await cache.aclose()

    assert answer.source is Source.COMPUTED
    assert from_json(await redis.get(keys.snapshot) or "") == answer.snapshot


async def test_a_snapshot_without_an_end_is_absent(
    redis: Redis, keys: Keys, store: SeriesStore, cache: SnapshotCache
) -> None:
    """A cached snapshot of which nobody knows the age is computed anew."""
    await store.add("given", readings(10))
    await redis.set(keys.snapshot, to_json(snapshot()))

    assert (await cache.get()).source is Source.COMPUTED
    await cache.aclose()


async def test_nothing_stored_is_no_data(
    redis: Redis, keys: Keys, cache: SnapshotCache, store: SeriesStore
) -> None:
    """Before the first reading every poll is told so, and the first reading ends that."""
    with pytest.raises(NoData, match="given"):
        await cache.get()
    await cache.aclose()
    assert not await redis.exists(keys.snapshot_lock, keys.snapshot)

    await store.add("given", readings(1))

    assert (await cache.get()).source is Source.COMPUTED
    await cache.aclose()


async def test_a_dead_computation_is_replaced(
    redis: Redis, keys: Keys, store: SeriesStore, cache: SnapshotCache
) -> None:
    """Polls wait for another process's computation, though not for ever if that process died."""
    await store.add("given", readings(10))
    await redis.set(keys.snapshot_lock, "a dead process", px=300)
    loop = asyncio.get_running_loop()
    began = loop.time()

    answer = await cache.get()
    await cache.aclose()

    assert answer.source is Source.COMPUTED
    assert 0.2 < loop.time() - began < LOCK_SECONDS


async def test_a_poll_that_leaves_takes_nothing_along(
    store: SeriesStore, cache: SnapshotCache
) -> None:
    """A poll that is cancelled while it waits does not end the computation for the others."""
    await store.add("given", readings(10))
    leaving, staying = (asyncio.ensure_future(cache.get()) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()

    assert (await staying).source is Source.COMPUTED
    assert leaving.cancelled()
    await cache.aclose()


async def test_a_newer_snapshot_is_taken_over(
    memory: SnapshotMemory, cache: SnapshotCache, clock: ManualClock
) -> None:
    """What another process has computed is served from memory at once."""
    newer = snapshot(price=35_000.0)
    memory.remember(snapshot())
    clock.advance(10)

    cache.receive(to_json(newer).decode())

    answer = await cache.get()
    assert (answer.snapshot, answer.age) == (newer, 0)


async def test_an_older_snapshot_is_not_taken_over(
    memory: SnapshotMemory, cache: SnapshotCache, clock: ManualClock
) -> None:
    """A computation that was overtaken by a refresh does not turn time back."""
    memory.remember(snapshot())

    cache.receive(to_json(snapshot(as_of=clock.now().replace(hour=11))).decode())

    assert (await cache.get()).snapshot == snapshot()


async def test_rubbish_on_the_channel_changes_nothing(
    memory: SnapshotMemory, cache: SnapshotCache
) -> None:
    """A message that is no snapshot of our feed is ignored."""
    memory.remember(snapshot())

    for text in ("", "{}", to_json(replace(snapshot(), feed="other")).decode()):
        cache.receive(text)

    assert (await cache.get()).snapshot == snapshot()


async def test_a_closed_cache_leaves_nothing_behind(
    redis_url: str, key_prefix: str, make_cache: MakeCache
) -> None:
    """Whoever closes the client after it is not reconnected by a computation that still ran."""
    for pause in range(20):
        async with connect(redis_url, key_prefix) as client:
            cache = make_cache(client)
            poll = asyncio.create_task(cache.get())
            await asyncio.sleep(pause / 10_000)
            await cache.aclose()
            for _ in range(3):  # For whoever waits to hear of it; Redis takes longer.
                await asyncio.sleep(0)

            assert poll.cancelled() or isinstance(poll.exception(), NoData)

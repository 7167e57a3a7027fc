"""A process hears of the snapshots that others compute, whatever happens to Redis meanwhile."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
import structlog
from redis.asyncio import Redis

from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.snapshot import broadcast
from isbitcoinlit.snapshot.broadcast import SnapshotSubscription
from isbitcoinlit.snapshot.cache import SnapshotCache
from isbitcoinlit.snapshot.memory import SnapshotMemory
from tests.own_redis import OwnRedis
from tests.polling import eventually
from tests.snapshot.conftest import MakeCache
from tests.snapshot.samples import snapshot

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(own: OwnRedis) -> AsyncIterator[Redis]:
    """A client with the service's own time limits."""
    async with connect(own.url) as client:
        yield client


@pytest.fixture
def other(client: Redis, make_cache: MakeCache) -> SnapshotCache:
    """The cache of the process that computes."""
    return make_cache(client)


@pytest.fixture
async def listening(
    client: Redis, keys: Keys, make_cache: MakeCache, memory: SnapshotMemory
) -> AsyncIterator[None]:
    """The memory is kept in step, from the first message on."""
    cache = make_cache(client, memory)
    async with SnapshotSubscription(client, keys, cache, memory).running():
        await subscribed(client, keys)
        yield


async def subscribed(client: Redis, keys: Keys) -> None:
    """Wait until somebody listens."""
    async with asyncio.timeout(5):
        while (await client.pubsub_numsub(keys.snapshot_channel))[0][1] == 0:
            await asyncio.sleep(0.005)


@pytest.mark.usefixtures("listening")
async def test_a_shared_snapshot_arrives(memory: SnapshotMemory, other: SnapshotCache) -> None:
    """What one process shares the other serves from memory."""
    await other.share(snapshot())

    await eventually(memory.answer)
    assert memory.entry is not None
    assert memory.entry.fresh == snapshot()


@pytest.mark.usefixtures("listening")
async def test_rubbish_does_not_end_it(
    client: Redis, keys: Keys, memory: SnapshotMemory, other: SnapshotCache
) -> None:
    """A message that is no snapshot is passed over, and the next one is heard."""
    await client.publish(keys.snapshot_channel, "{}")
    await other.share(snapshot())

    await eventually(memory.answer)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_may_have_hidden_a_snapshot(
    own: OwnRedis,
    client: Redis,
    keys: Keys,
    memory: SnapshotMemory,
    other: SnapshotCache,
    ending: signal.Signals,
) -> None:
    """After Redis was away, what is in memory is checked, and new snapshots are heard again."""
    memory.remember(snapshot())
    own.stop(ending)
    own.start()

    await eventually(lambda: memory.answer() is None)
    await subscribed(client, keys)
    await other.share(snapshot(price=1.0))
    await eventually(memory.answer)
    assert memory.entry is not None
    assert memory.entry.fresh == snapshot(price=1.0)


@pytest.mark.usefixtures("listening")
async def test_a_connection_that_was_renewed_is_noticed(
    client: Redis, memory: SnapshotMemory
) -> None:
    """A subscription that the client renews by itself may have missed a snapshot, too."""
    memory.remember(snapshot())

    await client.client_kill_filter(_type="pubsub")

    await eventually(lambda: memory.answer() is None)


async def test_an_outage_is_logged_once(
    own: OwnRedis,
    client: Redis,
    keys: Keys,
    make_cache: MakeCache,
    memory: SnapshotMemory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often subscribing fails, the log says once that it is lost, and that it is back."""
    monkeypatch.setattr(broadcast, "RETRY_SECONDS", 0.01)
    own.stop()
    with structlog.testing.capture_logs() as lines:
        subscription = SnapshotSubscription(client, keys, make_cache(client, memory), memory)
        async with subscription.running():
            await eventually(lambda: lines)
            own.start()
            await eventually(lambda: len(lines) > 1)

    assert [line["event"] for line in lines] == ["subscription-lost", "subscription-restored"]


async def test_a_frozen_redis_is_noticed(
    own: OwnRedis,
    client: Redis,
    keys: Keys,
    make_cache: MakeCache,
    memory: SnapshotMemory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection that is open and dead is given up, and what is in memory distrusted."""
    monkeypatch.setattr(broadcast, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(broadcast, "ANSWER_SECONDS", 0.2)
    cache = make_cache(client, memory)
    async with SnapshotSubscription(client, keys, cache, memory).running():
        await subscribed(client, keys)
        memory.remember(snapshot())
        own.freeze()
        await eventually(lambda: memory.answer() is None)
        own.thaw()
        await subscribed(client, keys)


@pytest.mark.usefixtures("listening")
async def test_silence_is_no_outage(
    memory: SnapshotMemory, other: SnapshotCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection on which nothing is said is asked whether it lives, and kept."""
    monkeypatch.setattr(broadcast, "QUIET_SECONDS", 0.01)
    await other.share(snapshot(price=1.0))
    await eventually(memory.answer)

    await asyncio.sleep(0.05)  # Five times the quiet that makes it ask.

    assert memory.answer()
    await other.share(snapshot(price=2.0))
    await eventually(lambda: memory.entry and memory.entry.fresh == snapshot(price=2.0))

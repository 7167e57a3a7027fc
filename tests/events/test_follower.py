"""A process hears of what others do, whatever happens to Redis meanwhile."""

import signal
from collections.abc import AsyncIterator, Callable

import pytest
import structlog
from redis.asyncio import Redis

from isbitcoinlit.clock import SystemClock
from isbitcoinlit.events import follower
from isbitcoinlit.events.event import EventKind
from isbitcoinlit.events.follower import EventFollower
from isbitcoinlit.events.hub import EventHub
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.signals import Signals
from tests.own_redis import OwnRedis
from tests.polling import eventually

pytestmark = pytest.mark.anyio


class Listener:
    """What a follower tells."""

    def __init__(self) -> None:
        self.snapshots: list[str] = []
        self.distrusted = 0

    def distrust(self) -> None:
        """Count."""
        self.distrusted += 1


@pytest.fixture
async def client(own: OwnRedis) -> AsyncIterator[Redis]:
    """A client with the service's own time limits."""
    async with connect(own.url) as client:
        yield client


@pytest.fixture
def other(client: Redis, keys: Keys) -> EventLog:
    """The log as another process writes it."""
    return EventLog(client, keys)


@pytest.fixture
def hub() -> EventHub:
    """What this process has heard."""
    return EventHub()


@pytest.fixture
def listener() -> Listener:
    """What is told to the process."""
    return Listener()


@pytest.fixture
def signals() -> Signals:
    """What the operator is told."""
    return Signals(SystemClock())


@pytest.fixture
def make(
    client: Redis, keys: Keys, hub: EventHub, signals: Signals, listener: Listener
) -> Callable[[], EventFollower]:
    """Makes the follower."""
    return lambda: EventFollower(
        client, keys, hub, signals, receive=listener.snapshots.append, distrust=listener.distrust
    )


@pytest.fixture
async def following(make: Callable[[], EventFollower]) -> AsyncIterator[None]:
    """The hub is kept in step."""
    async with make().running():
        yield


def told(hub: EventHub) -> list[str]:
    """The data of all events that the hub keeps."""
    return [event.data for event in hub.since(hub.begin, 10_000)]


@pytest.mark.usefixtures("following")
async def test_a_snapshot_arrives(other: EventLog, hub: EventHub, listener: Listener) -> None:
    """What one process tells is in the other's hub and memory, and under the same id."""
    await other.append([(EventKind.SNAPSHOT, '{"n":1}')])

    await eventually(lambda: listener.snapshots == ['{"n":1}'])
    assert hub.since(hub.begin, 10) == await other.newest()


async def test_what_was_told_before_can_be_replayed(
    other: EventLog, make: Callable[[], EventFollower], hub: EventHub, listener: Listener
) -> None:
    """A process that starts knows the last events, and takes no old snapshot for a new one."""
    await other.append([(EventKind.SNAPSHOT, "1"), (EventKind.READING, "2")])

    async with make().running():
        assert told(hub) == ["1", "2"]

    assert listener.snapshots == []


@pytest.mark.usefixtures("following")
async def test_unknown_events_are_holes(
    client: Redis, keys: Keys, hub: EventHub, other: EventLog
) -> None:
    """What another version wrote, or somebody's rubbish, is announced as something not told."""
    await client.xadd(keys.events, {"kind": "of-the-future", "data": "{}"})
    await client.xadd(keys.events, {"rubbish": "yes"})
    await other.append([(EventKind.READING, "3")])

    await eventually(lambda: hub.end and told(hub)[-1] == "3")
    kinds = [event.kind for event in hub.since(hub.begin, 10)]
    assert kinds == [EventKind.RESYNC, EventKind.RESYNC, EventKind.READING]


@pytest.mark.usefixtures("following")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_may_have_hidden_a_snapshot(
    own: OwnRedis,
    other: EventLog,
    hub: EventHub,
    signals: Signals,
    listener: Listener,
    ending: signal.Signals,
) -> None:
    """After Redis was away memory is distrusted, and what was told is heard, each event once."""
    await other.append([(EventKind.SNAPSHOT, "1")])
    await eventually(lambda: listener.snapshots)
    before = listener.distrusted
    own.stop(ending)
    own.start()
    await other.append([(EventKind.SNAPSHOT, "2")])

    await eventually(lambda: told(hub)[-1:] == ["2"])
    assert listener.distrusted > before
    assert signals.subscription_resets >= 1
    ids = [event.id for event in hub.since(hub.begin, 10)]
    assert len(ids) == len(set(ids))


@pytest.mark.usefixtures("following")
async def test_a_redis_that_forgot_is_a_hole(
    client: Redis, own: OwnRedis, other: EventLog, hub: EventHub
) -> None:
    """When the last event known is gone, every earlier position is no longer good."""
    await other.append([(EventKind.READING, "1")])
    await eventually(lambda: hub.begin == hub.end - 1)
    position = hub.end
    await client.flushall()
    own.stop()
    own.start()

    await eventually(lambda: hub.begin > position)
    await other.append([(EventKind.READING, "2")])
    await eventually(lambda: told(hub) == ["2"])


@pytest.mark.usefixtures("following")
async def test_a_lost_connection_is_noticed(client: Redis, listener: Listener) -> None:
    """The reader's connection is never renewed in silence."""
    before = listener.distrusted
    own_id = await client.client_id()
    for row in await client.client_list():
        if int(row["id"]) != own_id:
            await client.client_kill_filter(_id=row["id"])

    await eventually(lambda: listener.distrusted > before)


async def test_an_outage_is_logged_once(
    own: OwnRedis, make: Callable[[], EventFollower], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often reading fails, the log says once that it is lost, once that it is back."""
    monkeypatch.setattr(follower, "RETRY_SECONDS", 0.01)
    own.stop()
    with structlog.testing.capture_logs() as lines:
        async with make().running():
            await eventually(lambda: lines)
            own.start()
            await eventually(lambda: len(lines) > 1)

    assert [line["event"] for line in lines] == ["subscription-lost", "subscription-restored"]


@pytest.mark.usefixtures("following")
async def test_a_frozen_redis_is_noticed(
    own: OwnRedis, other: EventLog, hub: EventHub, listener: Listener
) -> None:
    """A connection that is open and dead is given up after some seconds, and then made anew."""
    before = listener.distrusted
    own.freeze()
    await eventually(lambda: listener.distrusted > before, seconds=10)
    own.thaw()

    await other.append([(EventKind.READING, "1")])
    await eventually(lambda: told(hub)[-1:] == ["1"], seconds=10)


async def test_silence_is_no_outage(
    make: Callable[[], EventFollower],
    other: EventLog,
    hub: EventHub,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stream on which nothing is said is read on."""
    monkeypatch.setattr(follower, "WAIT_SECONDS", 0.01)
    async with make().running():
        before = listener.distrusted
        for number in range(5):
            await other.append([(EventKind.READING, str(number))])
            await eventually(lambda n=number: told(hub)[-1:] == [str(n)])  # type: ignore[misc]

    assert listener.distrusted == before

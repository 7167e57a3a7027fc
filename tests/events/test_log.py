"""An event is there once, also if the answer to its appending was lost."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from isbitcoinlit.events.event import EventKind
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from tests.assembly import process
from tests.faults.proxy import Proxy
from tests.faults.rigs import of_shape
from tests.manual_clock import ManualClock
from tests.readings import NOON, GivenFeed, readings

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> ManualClock:
    """A quarter past noon."""
    return ManualClock(NOON + timedelta(minutes=15))


@pytest.fixture
async def line() -> AsyncIterator[Proxy]:
    """A line to a Redis, which may break."""
    with of_shape("single") as rig:
        async with Proxy(rig.servers[0].port).open() as line:
            yield line


@pytest.fixture
async def client(line: Proxy) -> AsyncIterator[Redis]:
    """A client over that line."""
    async with connect(f"redis://127.0.0.1:{line.port}/0") as client:
        yield client


async def data(events: EventLog, kind: EventKind) -> list[str]:
    """What all events of a kind tell."""
    return [event.data for event in await events.newest() if event.kind is kind]


async def test_readings_come_once(line: Proxy, client: Redis, keys: Keys) -> None:
    """What Redis did before the line broke is not done again."""
    events = EventLog(client, keys)
    await events.append([(EventKind.READING, "1")])
    line.state = "cut once"
    await events.append([(EventKind.READING, "2"), (EventKind.READING, "3")])

    assert line.state == "ok"
    assert await data(events, EventKind.READING) == ["1", "2", "3"]


async def test_snapshots_come_once(
    line: Proxy,
    client: Redis,
    keys: Keys,
    settings: Callable[..., Settings],
    clock: ManualClock,
) -> None:
    """A snapshot is told once too, and one that was overtaken not at all."""
    events = EventLog(client, keys)
    async with process(settings(), client, GivenFeed(readings(20)), clock) as resources:
        first = (await resources.refresher.force()).snapshot
        assert first
        second = replace(first, as_of=first.as_of + timedelta(seconds=30))
        await resources.cache.share(first)
        line.state = "cut once"
        await resources.cache.share(second)
        await resources.cache.share(first)
        kept = await client.get(keys.snapshot)
        told = await data(events, EventKind.SNAPSHOT)
        await resources.cache.share(replace(first, feed="other"))

        assert line.state == "ok"
        assert [json.loads(row)["as_of"] for row in told] == [
            first.as_of.isoformat(),
            second.as_of.isoformat(),
        ]
        assert kept == told[-1]
        assert len(await data(events, EventKind.SNAPSHOT)) == 3

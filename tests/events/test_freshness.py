"""Processes whose clocks differ do not contradict each other for ever."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from isbitcoinlit.events.event import EventKind
from isbitcoinlit.events.follower import EventFollower
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.resources import Resources
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from isbitcoinlit.snapshot.freshness import FreshnessWatch
from tests.assembly import process
from tests.manual_clock import ManualClock
from tests.polling import eventually
from tests.readings import NOON, GivenFeed, readings

pytestmark = pytest.mark.anyio

Look = Callable[[], Awaitable[list[bool]]]
Process = tuple[Resources, Look]
Start = Callable[[ManualClock], Awaitable[Process]]
QUARTER = timedelta(minutes=15)


@pytest.fixture
def clock() -> ManualClock:
    """A quarter past noon."""
    return ManualClock(NOON + QUARTER)


@pytest.fixture
def feed() -> GivenFeed:
    """A feed whose newest reading is five and a half minutes old."""
    return GivenFeed(readings(20))


@pytest.fixture
async def start(
    settings: Callable[..., Settings], redis: Redis, feed: GivenFeed, keys: Keys, events: EventLog
) -> AsyncIterator[Start]:
    """Starts a process with a clock; what it gives looks, and says what all were told so far."""
    async with AsyncExitStack() as stack:

        async def start(clock: ManualClock) -> Process:
            one = await stack.enter_async_context(process(settings(), redis, feed, clock))
            follower = EventFollower(
                redis,
                keys,
                one.hub,
                one.signals,
                receive=one.cache.receive,
                distrust=one.memory.distrust,
            )
            await stack.enter_async_context(follower.running())
            watch = FreshnessWatch(one.memory, one.announcer, clock)

            async def look() -> list[bool]:
                await one.cache.get()
                await watch.look()
                told = await events.newest()
                await eventually(lambda: not told or one.hub.last_id >= told[-1].id)
                rows = [json.loads(row.data) for row in told if row.kind is EventKind.STATUS]
                return [row["stale"] for row in rows if "stale" in row]

            return one, look

        yield start


async def test_a_clock_ahead(start: Start, feed: GivenFeed, clock: ManualClock) -> None:
    """A process that is an hour ahead is contradicted with the next reading, and that is all."""
    right, look = await start(clock)
    await right.refresher.take_turn()
    assert await look() == [False]
    _, look_ahead = await start(ManualClock(clock.now() + timedelta(hours=1)))
    for _ in range(3):
        await look_ahead()
        assert await look() == [False, True]

    feed.answers = [readings(21)]
    await right.refresher.take_turn()
    for _ in range(3):
        await look_ahead()
        assert await look() == [False, True, False]


async def test_all_agree(start: Start, feed: GivenFeed, clock: ManualClock) -> None:
    """Each change is told once, by whichever process sees it first."""
    right, look = await start(clock)
    await right.refresher.take_turn()
    _, look_too = await start(clock)
    for advance, told in ((0, [False]), (600, [False, True]), (600, [False, True])):
        clock.advance(advance)
        assert await look() == await look_too() == told
    feed.answers = [readings(70)]
    await right.refresher.take_turn()
    assert await look() == await look_too() == [False, True, False]


async def test_what_was_forgotten_is_told_again(
    start: Start, clock: ManualClock, redis: Redis, keys: Keys
) -> None:
    """What Redis did not take, or has lost, is told at the next look."""
    right, look = await start(clock)
    await right.refresher.take_turn()
    await redis.set(keys.status, "not a hash")
    assert await look() == []
    await redis.delete(keys.status)

    assert await look() == [False]

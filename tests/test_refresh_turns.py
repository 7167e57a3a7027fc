"""Whose turn a refresh is, and what becomes of one that is given up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.resources import Resources, open_resources
from isbitcoinlit.settings import Settings
from tests.manual_clock import ManualClock
from tests.readings import GivenFeed, readings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What is to be closed after the test."""
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def process(
    stack: AsyncExitStack, redis: Redis, settings: Callable[..., Settings], clock: ManualClock
) -> Callable[[GivenFeed], "asyncio.Future[Resources]"]:
    """Opens what one process of the service has, with the feed that is passed in."""

    def make(feed: GivenFeed) -> "asyncio.Future[Resources]":
        opened = open_resources(settings(), redis=redis, feed=feed, clock=clock)
        return asyncio.ensure_future(stack.enter_async_context(opened))

    return make


Process = Callable[[GivenFeed], "asyncio.Future[Resources]"]


async def test_one_process_per_turn(process: Process) -> None:
    """Of two processes one does all turns while it lives; the other pulls when it is forced."""
    one, other = GivenFeed(readings(10)), GivenFeed(readings(10))
    first, second = await process(one), await process(other)
    for _ in range(3):
        assert await first.refresher.take_turn()
        assert await second.refresher.take_turn() is None
    assert (one.pulls, other.pulls) == (3, 0)
    await second.refresher.force()
    assert other.pulls == 1


async def test_a_process_that_stops_gives_its_turn_away(process: Process) -> None:
    """When one process leaves, the other has the next turn."""
    first, second = await process(GivenFeed(readings(10))), await process(GivenFeed(readings(10)))
    await first.refresher.take_turn()
    await first.refresher.leave()
    assert await second.refresher.take_turn()


async def test_late_reading_is_stored(process: Process) -> None:
    """A reading that comes later than newer ones is stored all the same."""
    late = readings(10)
    resources = await process(GivenFeed([*late[:4], *late[5:]], late))
    await resources.refresher.force()
    report = await resources.refresher.force()
    assert (report.added, report.already_stored) == (1, 9)


async def test_cancelled_refresh_lets_go(process: Process) -> None:
    """A refresh that is given up gives its lease back, and the next one works."""

    class SlowFeed(GivenFeed):
        async def pull(self) -> Pull:
            await started.put(None)
            await asyncio.Event().wait()
            raise AssertionError

    started: asyncio.Queue[None] = asyncio.Queue()
    slow, quick = await process(SlowFeed([])), await process(GivenFeed(readings(10)))
    task = asyncio.create_task(slow.refresher.force())
    await started.get()
    await slow.refresher.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await quick.refresher.force()).added == 10

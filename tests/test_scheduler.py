"""Refreshes begin by themselves, one at a time, and end with the service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
import structlog
from redis.asyncio import Redis

from isbitcoinlit.errors import FeedUnavailable
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.redis_client import connect
from isbitcoinlit.resources import Resources
from isbitcoinlit.scheduler import RefreshScheduler
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from tests.assembly import process
from tests.manual_clock import ManualClock
from tests.own_redis import own_redis
from tests.polling import eventually
from tests.readings import NOON, GivenFeed, readings

pytestmark = pytest.mark.anyio

INTERVAL = 0.1


class HangingFeed(GivenFeed):
    """A feed that counts who asks, and answers nobody."""

    asked = 0

    async def pull(self) -> Pull:
        """Wait for ever."""
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError


class BrokenFeed(GivenFeed):
    """A feed with a defect."""

    async def pull(self) -> Pull:
        """Fail as no feed should."""
        self.pulls += 1
        raise ZeroDivisionError


@pytest.fixture
def clock() -> ManualClock:
    """A quarter past noon."""
    return ManualClock(NOON + timedelta(minutes=15))


@pytest.fixture
async def resources(
    settings: Callable[..., Settings], redis: Redis, feed: GivenFeed, clock: ManualClock
) -> AsyncIterator[Resources]:
    """One process of the service."""
    async with process(settings(refresh_interval=INTERVAL), redis, feed, clock) as resources:
        yield resources


def scheduler(resources: Resources, interval: float = INTERVAL) -> RefreshScheduler:
    """A scheduler of the process's refreshes."""
    return RefreshScheduler(resources.refresher, interval=interval)


async def test_the_first_refresh_is_at_once(resources: Resources, feed: GivenFeed) -> None:
    """When the service has started there is a snapshot, whatever the interval."""
    async with scheduler(resources, interval=3_600).running():
        assert feed.pulls == 1
        assert resources.memory.answer()


async def test_it_goes_on_until_the_end(resources: Resources, feed: GivenFeed) -> None:
    """Refreshes follow each other until the service ends, and then no more."""
    async with scheduler(resources).running():
        await eventually(lambda: feed.pulls >= 4)
    pulls = feed.pulls

    await asyncio.sleep(3 * INTERVAL)

    assert feed.pulls == pulls


async def test_failures_do_not_end_it(resources: Resources, feed: GivenFeed) -> None:
    """After a failure the next tick tries again, once the pause for the feed has passed."""
    feed.answers = [FeedUnavailable("It is down."), readings(20)]

    async with scheduler(resources).running():
        assert resources.memory.answer() is None
        assert resources.clock is not None
        await asyncio.sleep(2 * INTERVAL)
        assert feed.pulls == 1
        assert isinstance(resources.clock, ManualClock)
        resources.clock.advance(300)
        await eventually(resources.memory.answer)


async def test_a_defect_is_logged_and_does_not_end_it(
    settings: Callable[..., Settings], redis: Redis, clock: ManualClock
) -> None:
    """A feed's error that nobody foresaw is in the log, and when its backoff ends it is asked."""
    feed = BrokenFeed()
    async with process(settings(), redis, feed, clock) as resources:
        with structlog.testing.capture_logs() as lines:
            async with scheduler(resources).running():
                await eventually(lambda: feed.pulls == 1)
                clock.advance(300)
                await eventually(lambda: feed.pulls >= 2)

    assert [line["event"] for line in lines].count("feed-crashed") >= 2


async def test_one_refresh_at_a_time(
    settings: Callable[..., Settings], redis: Redis, clock: ManualClock
) -> None:
    """A feed that takes longer than the interval is not asked again meanwhile."""
    feed = HangingFeed()
    async with (
        process(settings(), redis, feed, clock) as resources,
        scheduler(resources, interval=0.02).running(),
    ):
        await asyncio.sleep(0.1)

    assert feed.asked == 1


async def test_a_refresh_in_flight_is_given_up(
    settings: Callable[..., Settings], redis: Redis, clock: ManualClock, key_prefix: str
) -> None:
    """The end does not wait for a feed that hangs, and leaves the turn to others."""
    feed = HangingFeed()
    loop = asyncio.get_running_loop()
    async with process(settings(), redis, feed, clock) as resources:
        async with scheduler(resources).running():
            await eventually(lambda: feed.asked)
            began = loop.time()
        assert loop.time() - began < 1

    assert not await redis.exists(Keys(key_prefix).lease("given"))


async def test_another_process_goes_on(
    settings: Callable[..., Settings], redis: Redis, feed: GivenFeed, clock: ManualClock
) -> None:
    """When the process whose turn it was ends, the next tick of another one takes over."""
    ours = settings(refresh_interval=3_600)
    async with process(ours, redis, feed, clock) as one, process(ours, redis, feed, clock) as other:
        async with scheduler(one, interval=3_600).running():
            assert feed.pulls == 1
            async with scheduler(other).running():
                await asyncio.sleep(2 * INTERVAL)
                assert feed.pulls == 1
        async with scheduler(other).running():
            assert feed.pulls == 2


async def test_a_redis_that_hangs_does_not_hold_up_the_end(
    settings: Callable[..., Settings], feed: GivenFeed, clock: ManualClock
) -> None:
    """With a Redis that answers nothing the service ends as soon as with any other."""
    loop = asyncio.get_running_loop()
    with own_redis() as server:
        async with connect(server.url) as client:
            async with process(settings(), client, feed, clock) as resources:
                async with scheduler(resources, interval=3_600).running():
                    server.freeze()
                    forced = asyncio.ensure_future(resources.refresher.force())
                    await eventually(lambda: feed.pulls == 1)
                    began = loop.time()
                assert loop.time() - began < 1.2
            assert loop.time() - began < 1.5
            with pytest.raises(asyncio.CancelledError):
                await forced

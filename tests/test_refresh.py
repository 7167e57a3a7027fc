"""One pass of feed, series and snapshot."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from isbitcoinlit.errors import FeedInvalid, FeedUnavailable
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.health import FeedState
from isbitcoinlit.resources import Resources, open_resources
from isbitcoinlit.settings import Settings
from tests.command_count import CommandCount
from tests.manual_clock import ManualClock
from tests.readings import GivenFeed, reading, readings

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


async def test_report(process: Process) -> None:
    """A refresh says what came, what was new and what the snapshot is now."""
    resources = await process(GivenFeed(readings(10), readings(12)))
    first = await resources.refresher.force()
    assert (first.fetched, first.added, first.already_stored) == (10, 10, 0)
    second = await resources.refresher.force()
    assert (second.fetched, second.added, second.already_stored) == (12, 2, 10)
    assert second.newest == reading(11 * 30).time
    assert second.snapshot
    assert second.snapshot.as_of == second.newest


async def test_nothing_new_costs_three_round_trips(process: Process, redis: Redis) -> None:
    """A refresh with nothing new writes nothing, and asks Redis three times, lease included."""
    resources = await process(GivenFeed(readings(300)))
    await resources.refresher.force()
    await resources.refresher.force()
    count = CommandCount(redis)
    await count.begin()
    report = await resources.refresher.force()
    assert (report.added, report.changed) == (0, False)
    assert await count.round_trips() <= 3
    await count.begin()
    await resources.refresher.force()
    assert "ts.madd" not in await count.commands()


async def test_whoever_asks_meanwhile_joins(process: Process) -> None:
    """Refreshes asked for at the same time are one pull, with one report."""
    feed = GivenFeed(readings(10))
    resources = await process(feed)
    reports = await asyncio.gather(*(resources.refresher.force() for _ in range(5)))
    assert feed.pulls == 1
    assert all(report is reports[0] for report in reports)


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


@pytest.mark.parametrize("error", [FeedUnavailable("It is away."), FeedInvalid("Rubbish.")])
async def test_failing_feed(
    process: Process, clock: ManualClock, error: FeedInvalid | FeedUnavailable
) -> None:
    """A feed that fails is left alone for longer and longer, up to five minutes; force asks it."""
    feed = GivenFeed(error)
    resources = await process(feed)
    waits = []
    for _ in range(8):
        with pytest.raises(type(error)):
            await resources.refresher.force()
        waits.append(resources.health.wait)
    assert all(
        longest * 0.9 <= wait <= longest
        for wait, longest in zip(waits, (30, 60, 120, 240, 300, 300, 300, 300), strict=True)
    )
    assert resources.health.report().state is FeedState.FAILING
    pulls = feed.pulls
    assert await resources.refresher.take_turn() is None
    assert feed.pulls == pulls
    clock.advance(300)
    with pytest.raises(type(error)):
        await resources.refresher.take_turn()


async def test_retry_after_is_kept(process: Process) -> None:
    """A feed that says when to come back is not asked before."""
    resources = await process(GivenFeed(FeedUnavailable("Slow down.", retry_after=1_000)))
    with pytest.raises(FeedUnavailable):
        await resources.refresher.force()
    assert 990 <= resources.health.wait <= 1_000


async def test_frozen_feed_is_stale(process: Process, clock: ManualClock) -> None:
    """A feed that answers with old readings is stale, whatever its status."""
    newest = readings(10)[-1].time
    resources = await process(GivenFeed(readings(10)))
    await resources.refresher.force()
    assert clock.now() - newest > timedelta(seconds=600)
    assert resources.health.report().state is FeedState.STALE


async def test_late_reading_is_stored(process: Process) -> None:
    """A reading that comes later than newer ones is stored all the same."""
    late = readings(10)
    resources = await process(GivenFeed([*late[:4], *late[5:]], late))
    await resources.refresher.force()
    report = await resources.refresher.force()
    assert (report.added, report.already_stored) == (1, 9)


async def test_emptied_redis_heals(process: Process, redis: Redis, key_prefix: str) -> None:
    """When the series are gone the next refresh makes them anew and stores everything."""
    resources = await process(GivenFeed(readings(10)))
    await resources.refresher.force()
    await redis.delete(*[key async for key in redis.scan_iter(f"{{{key_prefix}}}:*")])
    report = await resources.refresher.force()
    assert report.added == 10
    assert report.snapshot


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

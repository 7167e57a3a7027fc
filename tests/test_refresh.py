"""One pass of feed, series and snapshot: what it says, and what it costs."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
import structlog
from redis.asyncio import Redis

from isbitcoinlit.errors import FeedInvalid, FeedUnavailable, RefreshBusy
from isbitcoinlit.feeds.health import FeedState
from isbitcoinlit.lease import Lease
from isbitcoinlit.refresh_report import to_dict
from isbitcoinlit.resources import Resources
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from isbitcoinlit.snapshot.document import from_json
from isbitcoinlit.snapshot.memory import Source
from tests.assembly import process
from tests.command_count import CommandCount
from tests.manual_clock import ManualClock
from tests.readings import NOON, GivenFeed, readings

pytestmark = pytest.mark.anyio

DOWN = FeedUnavailable("The feed is down.")


@pytest.fixture
def clock() -> ManualClock:
    """A quarter past noon."""
    return ManualClock(NOON + timedelta(minutes=15))


async def test_a_report_says_what_happened(resources: Resources, feed: GivenFeed) -> None:
    """Numbers, newest reading and snapshot of a refresh are those of the feed."""
    feed.answers = [readings(20), readings(22)]
    await resources.refresher.force()

    report = await resources.refresher.force()

    assert (report.fetched, report.added, report.already_stored) == (22, 2, 20)
    assert report.newest == readings(22)[-1].time
    assert report.snapshot is not None
    assert report.snapshot.as_of == report.newest
    assert list(to_dict(report)) == [
        "feed",
        "fetched",
        "added",
        "already_stored",
        "degraded",
        "rejected",
        "newest",
        "duration_ms",
        "snapshot",
    ]


async def test_nothing_new_costs_three_round_trips(
    resources: Resources, redis: Redis, feed: GivenFeed
) -> None:
    """A turn without anything new takes the lease, counts, and gives the lease back with a word."""
    feed.answers = [readings(2_880)]
    await resources.refresher.take_turn()
    count = CommandCount(redis)
    await count.begin()

    report = await resources.refresher.take_turn()

    assert report is not None
    assert await count.round_trips() == 3
    assert await count.commands() == {"evalsha": 2, "get": 4, "set": 4, "ts.range": 2}


async def test_a_refresh_primes_memory_and_redis(
    resources: Resources, redis: Redis, key_prefix: str
) -> None:
    """After a turn a poll costs nothing here, and other processes find the snapshot in Redis."""
    report = await resources.refresher.take_turn()

    assert report is not None
    assert (await resources.cache.get()).source is Source.MEMORY
    assert from_json(await redis.get(Keys(key_prefix).snapshot) or "") == report.snapshot


async def test_who_asks_meanwhile_joins(resources: Resources, feed: GivenFeed) -> None:
    """Twenty refreshes asked for at once are one pull, and all get its report."""
    reports = await asyncio.gather(*(resources.refresher.force() for _ in range(20)))

    assert feed.pulls == 1
    assert len({id(report) for report in reports}) == 1


async def test_who_leaves_does_not_end_it(resources: Resources, feed: GivenFeed) -> None:
    """A caller that hangs up does not cancel the refresh that others wait for."""
    leaving, staying = (asyncio.ensure_future(resources.refresher.force()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()

    assert (await staying).added == 20
    assert feed.pulls == 1


async def test_another_process_leaves_the_turn(
    settings: Callable[..., Settings], redis: Redis, feed: GivenFeed, clock: ManualClock
) -> None:
    """Of two processes one fetches per interval; the other may be forced, and then has the turn."""
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(process(settings(), redis, feed, clock))
            for _ in range(2)
        ]
        assert await one.refresher.take_turn()
        assert await other.refresher.take_turn() is None
        assert (await other.refresher.force()).already_stored == 20
        assert await one.refresher.take_turn() is None


async def test_a_refresh_elsewhere_is_waited_for(
    resources: Resources, redis: Redis, key_prefix: str, clock: ManualClock
) -> None:
    """A forced refresh waits for another process's, and says so when that takes too long."""
    await Lease(redis, Keys(key_prefix).lease("given")).take()
    forced = asyncio.ensure_future(resources.refresher.force())
    await asyncio.sleep(0.02)
    assert not forced.done()
    clock.advance(20)

    with pytest.raises(RefreshBusy):
        await forced


@pytest.mark.parametrize("error", [DOWN, FeedInvalid("It sent rubbish.")])
async def test_a_failing_feed_changes_nothing(
    resources: Resources, feed: GivenFeed, error: FeedUnavailable | FeedInvalid
) -> None:
    """The error comes to the caller, the old data stay, and the next refresh is free to succeed."""
    await resources.refresher.force()
    feed.answers = [error, readings(21)]

    with pytest.raises(type(error)) as raised:
        await resources.refresher.force()

    assert raised.value is error
    assert (await resources.cache.get()).snapshot.as_of == readings(20)[-1].time
    assert (await resources.refresher.force()).added == 1


async def test_a_feed_that_fails_is_left_alone(
    resources: Resources, feed: GivenFeed, clock: ManualClock
) -> None:
    """Ticks pass without a pull for longer and longer, up to five minutes; force does not wait."""
    feed.answers = [DOWN]
    waits = []
    for _ in range(6):
        with pytest.raises(FeedUnavailable):
            await resources.refresher.take_turn()
        assert await resources.refresher.take_turn() is None
        waits.append(resources.health.wait)
        clock.advance(waits[-1])

    assert feed.pulls == 6
    assert waits == pytest.approx([30, 60, 120, 240, 300, 300], rel=0.1)
    assert max(waits) <= 300
    with pytest.raises(FeedUnavailable):
        await resources.refresher.force()
    feed.answers = [readings(20)]
    await resources.refresher.force()
    assert resources.health.wait == 0


async def test_an_upstream_may_ask_for_a_pause(resources: Resources, feed: GivenFeed) -> None:
    """`Retry-After` of the upstream is kept where it is the longer wait."""
    feed.answers = [FeedUnavailable("Too many requests.", retry_after=900)]
    with pytest.raises(FeedUnavailable):
        await resources.refresher.take_turn()

    assert resources.health.wait == 900


async def test_a_feed_is_judged_by_its_data(
    resources: Resources, feed: GivenFeed, clock: ManualClock
) -> None:
    """It is logged once per change of state, and stale when its newest reading is."""
    with structlog.testing.capture_logs() as lines:
        for answer in (readings(20), readings(20), DOWN, DOWN, readings(20)):
            feed.answers = [answer]
            try:
                await resources.refresher.force()
            except FeedUnavailable:
                assert resources.health.report().state is FeedState.FAILING
        clock.advance(600)
        await resources.refresher.force()

    said = [line["event"] for line in lines if line["event"].startswith("feed")]
    assert said == ["feed-ok", "feed-failing", "feed-ok", "feed-stale"]
    assert resources.health.report().state is FeedState.STALE


async def test_an_empty_pull_is_a_report(resources: Resources, feed: GivenFeed) -> None:
    """A feed that has nothing yet is no error; there is no snapshot then."""
    feed.answers = [[]]

    report = await resources.refresher.force()

    assert (report.fetched, report.newest, report.snapshot) == (0, None, None)

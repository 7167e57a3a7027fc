"""Readings that were stored are told, or it is told that they were not."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from isbitcoinlit.errors import FeedUnavailable, SeriesUnusable
from isbitcoinlit.events.announcer import Announcer
from isbitcoinlit.events.event import EventKind
from isbitcoinlit.events.hub import EventHub
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.models import Metric
from isbitcoinlit.resources import Resources
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from tests.assembly import process
from tests.manual_clock import ManualClock
from tests.readings import NOON, GivenFeed, readings

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> ManualClock:
    """A quarter past noon."""
    return ManualClock(NOON + timedelta(minutes=15))


class OtherFeed(GivenFeed):
    """A second feed, which answers when it is told to."""

    name = "other"

    def __init__(self) -> None:
        super().__init__(readings(20))
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def pull(self) -> Pull:
        """Answer late."""
        self.asked.set()
        await self.answer.wait()
        return await super().pull()


async def told(events: EventLog) -> list[tuple[EventKind, Any]]:
    """What was told of readings, as kinds and reasons."""
    wanted = {EventKind.READING, EventKind.RESYNC}
    rows = [event for event in await events.newest() if event.kind in wanted]
    return [(event.kind, json.loads(event.data).get("reason")) for event in rows]


LOST = [(EventKind.RESYNC, "events-lost")]


async def stored(redis: Redis, keys: Keys) -> None:
    """Wait until readings have been stored."""
    async with asyncio.timeout(5):
        while not await redis.exists(keys.series("given", Metric.PRICE)):
            await asyncio.sleep(0.01)
        while not await redis.ts().get(keys.series("given", Metric.PRICE)):
            await asyncio.sleep(0.01)


async def test_what_a_failover_lost_is_not_told_twice(events: EventLog) -> None:
    """A reading that has to be stored again was heard by some: others are told to look."""
    announcer = Announcer(events, EventHub())
    first, second, third = readings(3)

    await announcer.readings({"given": [first, second]})
    await announcer.readings({"given": [second, third], "other": [second]})

    one = (EventKind.READING, None)
    assert await told(events) == [one, one, *LOST, one, one]


async def test_a_process_that_dies_before_it_tells(
    settings: Callable[..., Settings],
    redis: Redis,
    clock: ManualClock,
    keys: Keys,
    events: EventLog,
) -> None:
    """Whoever refreshes next owes a `resync` for what the dead one stored; once, and not itself."""
    feed = GivenFeed(readings(20), readings(21), readings(22))
    async with process(settings(), redis, feed, clock) as dead:
        await dead.refresher.force()
        await redis.delete(keys.lease("given"))  # As it would expire.
        async with process(settings(), redis, feed, clock) as other:
            await other.refresher.take_turn()
            await other.refresher.take_turn()
            found = await told(events)
            await redis.delete(keys.lease("given"))
            async with process(settings(), redis, feed, clock) as third:
                await third.refresher.take_turn()

        assert found == [*LOST, *2 * [(EventKind.READING, None)]]
        assert await told(events) == found


@pytest.mark.parametrize("fails", [True, False])
async def test_a_refresh_that_breaks_off(
    settings: Callable[..., Settings],
    redis: Redis,
    feed: GivenFeed,
    clock: ManualClock,
    keys: Keys,
    events: EventLog,
    *,
    fails: bool,
) -> None:
    """What a feed gave before another one could not be stored, or all was given up, is owed."""
    other = OtherFeed()
    async with process(settings(), redis, feed, clock, [other]) as resources:
        turn = asyncio.ensure_future(resources.refresher.take_turn())
        await other.asked.wait()
        await stored(redis, keys)
        if fails:
            for metric in Metric:
                await redis.set(keys.series("other", metric), "not a series")
            other.answer.set()
        else:
            await resources.refresher.cancel()
        with pytest.raises((SeriesUnusable, asyncio.CancelledError)):
            await turn
        assert await told(events) == []
        await redis.set(keys.lease("given+other"), "held:by-another-process")
        if fails:
            assert await resources.refresher.take_turn() is None
        else:
            await resources.refresher.leave()

    assert await told(events) == LOST


async def test_a_feed_that_is_down_owes_nothing(
    resources: Resources, feed: GivenFeed, events: EventLog
) -> None:
    """Where nothing was stored nobody is asked to fetch anything anew."""
    feed.answers = [FeedUnavailable("The feed is down.")]
    for _ in range(2):
        with pytest.raises(FeedUnavailable):
            await resources.refresher.force()
    await resources.refresher.leave()

    assert await told(events) == []


async def test_nobody_waited_for_the_end(resources: Resources, events: EventLog) -> None:
    """Readings of a refresh whose caller has gone are told all the same, once."""
    report = await resources.refresher.force()
    assert await told(events) == []

    await resources.refresher.leave()
    await resources.refresher.share(report)
    await resources.refresher.take_turn()

    assert await told(events) == [(EventKind.READING, None)] * 20


async def test_what_is_owed_is_told_in_the_next_turn(
    resources: Resources, feed: GivenFeed, events: EventLog, redis: Redis, keys: Keys
) -> None:
    """A log that takes no event for a while costs one `resync`, and then all goes on."""
    await redis.set(keys.events, "not a stream")
    await resources.refresher.take_turn()
    await redis.delete(keys.events)
    await resources.refresher.take_turn()
    feed.answers = [readings(21)]
    await resources.refresher.take_turn()

    assert await told(events) == [*LOST, (EventKind.READING, None)]

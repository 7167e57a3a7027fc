"""Who has lost the lease cannot write as if it still held it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from isbitcoinlit.errors import LeaseLost
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.fence import Fence
from isbitcoinlit.lease import Lease
from isbitcoinlit.models import Metric
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.writer import SampleWriter
from isbitcoinlit.settings import Settings
from tests.assembly import process
from tests.manual_clock import ManualClock
from tests.readings import NOON, GivenFeed, reading, readings

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> ManualClock:
    """A quarter past noon."""
    return ManualClock(NOON + timedelta(minutes=15))


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The test's keys."""
    return Keys(key_prefix)


class SlowFeed(GivenFeed):
    """A feed during whose answer the process that asked may be thought dead."""

    def __init__(self) -> None:
        super().__init__([*readings(20), reading(1_000)])
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def pull(self) -> Pull:
        """Answer when told to."""
        self.asked.set()
        await self.answer.wait()
        return await super().pull()


async def test_a_holder_that_comes_back_writes_nothing(
    settings: Callable[..., Settings], redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """A process whose lease another took in the middle of a refresh stores and tells nothing."""
    slow = SlowFeed()
    async with (
        process(settings(), redis, slow, clock) as stopped,
        process(settings(), redis, GivenFeed(readings(20)), clock) as other,
    ):
        turn = asyncio.create_task(stopped.refresher.take_turn())
        await slow.asked.wait()
        await redis.delete(keys.lease("given"))  # As when it has ended.
        report = await other.refresher.take_turn()
        slow.answer.set()
        assert await turn is None
        newest = await other.series.newest("given")

    assert report is not None
    assert report.added == 20
    assert newest[Metric.PRICE][0] == readings(20)[-1].time
    assert stopped.refresher.results == {"lease-lost": 1}


async def test_fences_only_grow(redis: Redis, keys: Keys) -> None:
    """Each taking has a higher number than all before it, whoever takes, and after a loss too."""
    leases = [Lease(redis, keys.lease("given")) for _ in range(3)]
    numbers = []
    for lease in (*leases, *leases):
        assert await lease.take()
        numbers.append(int(lease.fence.value.partition(":")[0]))
        await redis.delete(keys.lease("given"))

    assert numbers == [1, 2, 3, 4, 5, 6]


async def test_a_write_is_checked_and_done_in_one(redis: Redis, keys: Keys) -> None:
    """A write behind a raised fence is refused, one at or without a fence is done."""
    series = keys.series("given", Metric.PRICE)
    await redis.ts().create(series)
    lease, writer = Lease(redis, keys.lease("given")), SampleWriter(redis)
    await lease.take()
    assert (await writer.write([(1_000, series, 1.5)], lease.fence)).replies == [1_000]
    assert (await writer.write([(2_000, series, 1.5)])).replies == [2_000]
    old = lease.fence
    await redis.delete(keys.lease("given"))
    await lease.take()

    with pytest.raises(LeaseLost):
        await writer.write([(3_000, series, 1.5)], old)

    assert await redis.ts().get(series) == (2_000, 1.5)


async def test_an_emptied_redis_lets_the_holder_go_on(redis: Redis, keys: Keys) -> None:
    """Where there is no fence any more nobody has taken the lease since."""
    series = keys.series("given", Metric.PRICE)
    await redis.ts().create(series)

    written = await SampleWriter(redis).write(
        [(1_000, series, 1.5)], Fence(keys.lease("none") + ":fence", "7:x")
    )

    assert written.replies == [1_000]


async def test_without_replicas_nothing_is_called_added(
    settings: Callable[..., Settings], redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """What too few replicas have confirmed is stored, and reported as degraded."""
    feed = GivenFeed(readings(20))
    async with process(settings(min_replicas=9), redis, feed, clock) as resources:
        report = await resources.refresher.force()

    assert (report.added, report.degraded) == (0, 20)
    assert report.snapshot is not None
    assert (await redis.ts().info(keys.series("given", Metric.PRICE)))["total_samples"] == 20

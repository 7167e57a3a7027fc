"""What replicas have confirmed, and what happens to it when they or their primary go."""

from collections.abc import Callable

import pytest

from isbitcoinlit.errors import RedisUnavailable
from isbitcoinlit.redis_client import connect, finder_of, redis_errors
from isbitcoinlit.settings import Settings
from tests.assembly import process
from tests.faults.rigs import Rig, of_shape
from tests.manual_clock import ManualClock
from tests.polling import eventually
from tests.readings import GivenFeed, readings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("shape", ["sentinel", "cluster"])
async def test_added_is_what_a_replica_has(
    shape: str, settings: Callable[..., Settings], clock: ManualClock, key_prefix: str
) -> None:
    """With a replica readings are added; while it is frozen they are degraded, but stored."""
    with of_shape(shape) as rig:
        ours = settings(redis_url=rig.url, min_replicas=1)
        feed = GivenFeed(readings(10), readings(20), readings(30))
        async with (
            connect(rig.url, key_prefix) as redis,
            process(ours, redis, feed, clock) as resources,
        ):
            first = await resources.refresher.force()
            [replica] = rig.replicas(key_prefix)
            replica.freeze()
            second = await resources.refresher.force()
            replica.thaw()
            await eventually(rig.whole)
            third = await resources.refresher.force()
            count = await resources.series.count("given")

    assert [(r.added, r.degraded) for r in (first, second, third)] == [(10, 0), (0, 10), (10, 0)]
    assert count == 30


@pytest.mark.parametrize("shape", ["sentinel", "cluster"])
async def test_a_refresh_rides_out_a_failover(
    shape: str, settings: Callable[..., Settings], clock: ManualClock, key_prefix: str
) -> None:
    """A refresh that finds the primary dead waits for the next one, and adds what is new."""
    with of_shape(shape) as rig:
        feed = GivenFeed(readings(10), readings(20))
        async with (
            connect(rig.url, key_prefix) as redis,
            process(settings(redis_url=rig.url), redis, feed, clock) as resources,
        ):
            await resources.refresher.force()
            rig.primary(key_prefix).kill()
            report = await resources.refresher.force()
            count = await resources.series.count("given")
            finder = finder_of(redis)

    assert (report.added, count) == (10, 20)
    assert finder is not None
    assert finder.failovers == 1


async def test_nobody_knows_a_primary() -> None:
    """A wrong name, or a Cluster that is none, is told with what the servers said."""
    with of_shape("sentinel") as rig:
        assert "No such master" in await complaint(rig.url.replace("mymaster", "other"))
        url = rig.url.replace("redis+sentinel", "redis+cluster").removesuffix("/mymaster/0")
        assert "knows a primary" in await complaint(url)
    with of_shape("single") as one:
        assert "cluster support disabled" in await complaint(as_cluster(one))


async def test_a_cluster_needs_its_scheme() -> None:
    """Who writes redis:// for a Cluster is told which scheme to write."""
    with of_shape("cluster") as rig:
        stranger = next(n for n in rig.servers if n is not rig.primary("isbitcoinlit"))
        assert "redis+cluster://" in await complaint(f"redis://127.0.0.1:{stranger.port}")


def as_cluster(rig: Rig) -> str:
    """The address of one server as if it were a cluster's."""
    return rig.url.replace("redis://", "redis+cluster://")


async def complaint(url: str) -> str:
    """What a command at this address fails with."""
    async with connect(url, "isbitcoinlit") as redis:
        with pytest.raises(RedisUnavailable) as raised, redis_errors():
            await redis.get("{isbitcoinlit}:key")
    return str(raised.value)

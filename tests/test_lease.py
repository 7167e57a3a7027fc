"""Of all processes one refreshes at a time, and once per interval."""

import asyncio

import pytest
from redis.asyncio import Redis

from isbitcoinlit import lease as lease_module
from isbitcoinlit.errors import LeaseLost, RedisUnavailable
from isbitcoinlit.lease import HOLD_SECONDS, Lease
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from tests.own_redis import own_redis

pytestmark = pytest.mark.anyio


@pytest.fixture
def key(key_prefix: str) -> str:
    """The lease's key."""
    return Keys(key_prefix).lease("given")


@pytest.fixture
def one(redis: Redis, key: str) -> Lease:
    """The lease as one process has it."""
    return Lease(redis, key)


@pytest.fixture
def other(redis: Redis, key: str) -> Lease:
    """The lease as another process has it."""
    return Lease(redis, key)


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease ends after a fraction of a second."""
    monkeypatch.setattr(lease_module, "HOLD_SECONDS", 0.15)


async def test_one_process_holds_it(one: Lease, other: Lease) -> None:
    """While one works nobody else may, forced or not, and not the same one twice either."""
    assert await one.take()

    assert not await other.take()
    assert not await other.take(forced=True)
    assert not await one.take(forced=True)


async def test_of_many_one_gets_it(redis: Redis, key: str) -> None:
    """Of twenty processes that ask at once, exactly one gets the lease."""
    taken = await asyncio.gather(*(Lease(redis, key).take() for _ in range(20)))

    assert sorted(taken) == [False] * 19 + [True]


async def test_the_turn_is_kept(one: Lease, other: Lease) -> None:
    """Until the next turn is overdue only who did the last one may do the next."""
    await one.take()
    await one.finish(rest=60)

    assert not await other.take()
    assert await one.take()


async def test_an_overdue_turn_is_anybodys(one: Lease, other: Lease) -> None:
    """When the last one's turn has passed, another process takes over."""
    await one.take()
    await one.finish(rest=0.02)

    async with asyncio.timeout(2):
        while not await other.take():
            await asyncio.sleep(0.005)


async def test_force_does_not_wait_for_a_turn(one: Lease, other: Lease) -> None:
    """An operator's refresh is anybody's, and the turn is then that process's."""
    await one.take()
    await one.finish(rest=60)

    assert await other.take(forced=True)
    await other.finish(rest=60)
    assert not await one.take()


async def test_without_rest_it_is_free_at_once(redis: Redis, key: str, one: Lease) -> None:
    """A lease that is given back without a rest leaves nothing behind."""
    await one.take()

    await one.finish()

    assert not await redis.exists(key)


async def test_leaving_gives_the_turn_away(one: Lease, other: Lease) -> None:
    """A process that ends lets another have the next turn at once."""
    await one.take()
    await one.finish(rest=60)

    await one.leave()

    assert await other.take()


async def test_leaving_takes_nothing_from_others(one: Lease, other: Lease) -> None:
    """A process that ends does not end the turn, or the work, of another."""
    await other.take()
    await one.leave()
    assert not await one.take()

    await other.finish(rest=60)
    await one.leave()
    assert not await one.take()


async def test_a_holder_that_dies_is_replaced(redis: Redis, key: str, one: Lease) -> None:
    """A lease that nobody renews ends after ten seconds."""
    await one.take()

    milliseconds = await redis.pttl(key)

    assert HOLD_SECONDS == 10
    assert 9_000 < milliseconds <= 10_000


@pytest.mark.usefixtures("_short")
async def test_another_takes_over_from_the_dead(one: Lease, other: Lease) -> None:
    """Once the lease of a dead process has ended, another process gets it."""
    await one.take()

    async with asyncio.timeout(2):
        while not await other.take():
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("_short")
async def test_a_holder_that_lives_keeps_it(one: Lease, other: Lease) -> None:
    """Work that takes longer than the lease keeps it by renewing."""
    loop = asyncio.get_running_loop()
    await one.take()
    until = loop.time() + 0.4
    async with one.renewed():
        while loop.time() < until:
            assert not await other.take()
            await asyncio.sleep(0.01)
    await one.finish()


@pytest.mark.usefixtures("_short")
async def test_a_lost_lease_is_not_given_back(one: Lease, other: Lease) -> None:
    """Who finishes after the lease has gone to another is told so, and takes nothing away."""
    await one.take()
    async with asyncio.timeout(2):
        while not await other.take():
            await asyncio.sleep(0.01)

    with pytest.raises(LeaseLost):
        await one.finish(rest=60)
    await other.finish(rest=60)


async def test_a_restart_of_redis_loses_no_order(key: str) -> None:
    """A lease on a Redis that was emptied is lost, and scripts it no longer knows are sent anew."""
    with own_redis() as server:
        async with connect(server.url) as client:
            one = Lease(client, key)
            await one.take()
            server.stop()
            with pytest.raises(RedisUnavailable):
                await one.finish(rest=60)
            server.start()
            await client.flushall()
            await client.script_flush()

            with pytest.raises(LeaseLost):
                await one.finish(rest=60)
            assert await one.take()

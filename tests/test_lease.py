"""One process at a time, and one turn per interval."""

import pytest
from redis.asyncio import Redis

from isbitcoinlit.errors import LeaseLost
from isbitcoinlit.lease import HOLD_SECONDS, Lease

pytestmark = pytest.mark.anyio


@pytest.fixture
def key(key_prefix: str) -> str:
    """A key that no other test has."""
    return f"{{{key_prefix}}}:lease:test"


async def test_one_holder(redis: Redis, key: str) -> None:
    """While one process holds the lease no other gets it, forced or not."""
    first, second = Lease(redis, key), Lease(redis, key)
    assert await first.take()
    assert not await second.take()
    assert not await second.take(forced=True)
    assert 0 < await redis.pttl(key) <= HOLD_SECONDS * 1_000


async def test_the_next_turn_is_its_own(redis: Redis, key: str) -> None:
    """After its turn a process may take the next one, and others only if they are forced."""
    first, second = Lease(redis, key), Lease(redis, key)
    await first.take()
    await first.finish(rest=60)
    assert not await second.take()
    assert await first.take()
    await first.finish(rest=60)
    assert await second.take(forced=True)


async def test_a_turn_that_is_overdue_is_anybodys(redis: Redis, key: str) -> None:
    """When a process does not take its next turn, another does."""
    first, second = Lease(redis, key), Lease(redis, key)
    await first.take()
    await first.finish(rest=60)
    await redis.pexpire(key, 1)
    while await redis.exists(key):
        pass
    assert await second.take()


async def test_leaving_gives_the_turn_away(redis: Redis, key: str) -> None:
    """A process that stops lets another begin at once, but never ends another's turn."""
    first, second = Lease(redis, key), Lease(redis, key)
    await first.take()
    await first.finish(rest=60)
    await second.leave()
    assert not await second.take()
    await first.leave()
    assert await second.take()


async def test_a_lost_lease_is_noticed(redis: Redis, key: str) -> None:
    """A holder that was away too long is told, and leaves its successor's lease alone."""
    first, second = Lease(redis, key), Lease(redis, key)
    await first.take()
    await redis.delete(key)
    await second.take()
    with pytest.raises(LeaseLost):
        await first.finish(rest=60)
    assert not await Lease(redis, key).take()


async def test_without_rest_the_lease_is_free(redis: Redis, key: str) -> None:
    """A turn that asks for no rest leaves nothing behind."""
    lease = Lease(redis, key)
    await lease.take()
    await lease.finish()
    assert not await redis.exists(key)

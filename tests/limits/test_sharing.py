"""Limits over several processes, settled through a real Redis."""

from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from isbitcoinlit.errors import RedisUnavailable
from isbitcoinlit.limits.pseudonyms import Pseudonyms
from isbitcoinlit.limits.sharing import SharedCounts
from isbitcoinlit.limits.window import GroupLimiter
from isbitcoinlit.rate import Rate
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.shared_secret import SharedSecret
from tests.manual_clock import ManualClock
from tests.own_redis import own_redis

pytestmark = pytest.mark.anyio

CLIENT = "198.51.100.7"


class Process:
    """What one process counts."""

    def __init__(self, redis: Redis, key_prefix: str, clock: ManualClock) -> None:
        keys = Keys(key_prefix)
        self._clock = clock
        self._pseudonyms = Pseudonyms(SharedSecret(redis, keys.usage("secret")))
        self._shared = SharedCounts(redis, keys, self._pseudonyms)
        self._limiter = GroupLimiter(Rate(20, 60), clock)

    def take(self, times: int) -> list[int]:
        """Ask so many times."""
        return [self._limiter.take(CLIENT, self._clock.monotonic())[0] for _ in range(times)]

    async def settle(self) -> None:
        """Tell the other processes."""
        await self._pseudonyms.prepare()
        await self._shared.settle("snapshot", self._limiter, self._limiter.changes())


MakeProcess = Callable[[], Process]


@pytest.fixture
def process(redis: Redis, key_prefix: str, clock: ManualClock) -> MakeProcess:
    """Makes processes that have one Redis."""
    return lambda: Process(redis, key_prefix, clock)


async def settle(*processes: Process) -> None:
    """Let each settle, and the first once more, so that all know all."""
    for one in (*processes, processes[0]):
        await one.settle()


async def test_processes_count_together(process: MakeProcess) -> None:
    """What a client asked of one process is gone from its budget at the other."""
    a, b = process(), process()
    a.take(15)
    b.take(1)
    await settle(a, b)
    assert b.take(5) == [3, 2, 1, 0, -1]


async def test_the_error_is_one_interval(process: MakeProcess) -> None:
    """Both processes may allow a whole budget between two settlings, and nothing after that."""
    a, b = process(), process()
    allowed = sum(n >= 0 for n in a.take(30) + b.take(30))
    await settle(a, b)
    assert allowed == 40
    assert (a.take(1), b.take(1)) == ([-1], [-1])


async def test_the_last_window_is_shared_too(process: MakeProcess, clock: ManualClock) -> None:
    """A process that learns late of another's requests weighs them when the window slides."""
    a, b = process(), process()
    a.take(20)
    await a.settle()
    clock.advance(75)
    b.take(1)
    await b.settle()
    assert b.take(1) == [20 - 15 - 1 - 1]


@pytest.mark.parametrize("more", [0, 1])
async def test_the_end_of_a_window_counts_nothing_twice(
    process: MakeProcess, clock: ManualClock, more: int
) -> None:
    """Requests that a window ended before they were settled are of that one, here and elsewhere."""
    a, b = process(), process()
    clock.advance(59.5)
    a.take(10)
    clock.advance(1)
    a.take(more)
    await a.settle()
    assert a.take(1) == [20 - 10 - more - 1]
    b.take(1)
    await b.settle()
    assert b.take(1) == [20 - 10 - more - 1 - 1]


async def test_settling_twice_counts_once(process: MakeProcess) -> None:
    """What has been settled is not settled again."""
    a, b = process(), process()
    a.take(5)
    for _ in range(3):
        await a.settle()
    b.take(1)
    await b.settle()
    assert b.take(1) == [20 - 5 - 1 - 1]


async def test_addresses_stay_secret(process: MakeProcess, redis: Redis, key_prefix: str) -> None:
    """Redis holds no address, and every count has a time to live."""
    one = process()
    one.take(1)
    await one.settle()
    keys = [key async for key in redis.scan_iter(f"{{{key_prefix}}}:limit:*")]
    assert len(keys) == 1
    assert 0 < await redis.ttl(keys[0]) <= 121
    counts: Awaitable[dict[str, str]] = redis.hgetall(keys[0])  # type: ignore[assignment]
    assert [(len(client), n) for client, n in (await counts).items()] == [(16, "1")]


async def test_without_redis_memory_counts(key_prefix: str, clock: ManualClock) -> None:
    """While Redis is away the budget is kept in memory, and nobody gets more than it."""
    with own_redis() as server:
        async with connect(server.url) as redis:
            one = Process(redis, key_prefix, clock)
            one.take(8)
            await one.settle()
            server.stop()
            one.take(8)
            with pytest.raises(RedisUnavailable):
                await one.settle()
            assert one.take(5) == [3, 2, 1, 0, -1]

"""Push: how soon thousands of streams hear of a refresh, and what each of them costs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr
from redis.asyncio import Redis

from benchmarks import report
from benchmarks.listeners import Crowd, crowd
from benchmarks.processes import UNREACHED, Running, module, redis_server, service
from benchmarks.refreshes import ListFeed
from benchmarks.report import Row
from benchmarks.subscriptions import CHANNEL
from benchmarks.wrk import Load, wrk
from isbitcoinlit.models import Reading
from isbitcoinlit.resources import open_resources
from isbitcoinlit.settings import Settings
from isbitcoinlit.snapshot.document import to_json

STREAMS = 2_000
SUBSCRIPTIONS = 500
"""Streams of the other design, which needs a connection to Redis for each."""
_FIRST = 50
"""Streams that are open before memory is looked at, so that everything has been used once."""
_SETTINGS: dict[str, object] = {
    "refresh_interval": 86_400,
    "max_streams_per_client": 4_000,
    "limit_streams": UNREACHED,
}

Tell = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Told:
    """What was seen of one design."""

    seconds: list[float]
    """From before the refresh to each client's event, over all rounds."""
    memory: float
    """kB of the server for each stream."""
    redis_memory: float
    """kB of Redis for each stream."""
    polls: Load | None = None

    @property
    def p50(self) -> float:
        """Seconds for half of the clients."""
        return self.seconds[len(self.seconds) // 2]

    @property
    def p99(self) -> float:
        """Seconds for nearly all of the clients."""
        return self.seconds[len(self.seconds) * 99 // 100]


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure both designs, and what polls notice of ours."""
    rounds = 3 if quick else 20
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        ours = stack.enter_context(service(redis_url, _SETTINGS))
        calm = wrk(ours.url, seconds=2)
        told = asyncio.run(_measure_ours(ours, redis_url, rounds))
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        other = stack.enter_context(module("subscriptions", redis_url))
        usual = asyncio.run(_measure_other(other, redis_url, rounds))
    seconds = {"p50": told.p50, "p99": told.p99, "last": told.seconds[-1]}
    yield report.at_most(
        f"s to 99 % of {STREAMS:,} streams, refresh included", 1, told.p99, **seconds
    )
    yield _reported("  ms to half of them", told.p50 * 1_000)
    yield _reported(f"  ms to 99 % of {SUBSCRIPTIONS} of the usual design", usual.p99 * 1_000)
    share = (told.memory + told.redis_memory) / (usual.memory + usual.redis_memory)
    kilobytes = {
        "ours": [told.memory, told.redis_memory],
        "usual": [usual.memory, usual.redis_memory],
    }
    yield report.at_most("memory per stream, against the usual design", 1 / 5, share, kB=kilobytes)
    yield _reported("  kB per stream", told.memory + told.redis_memory)
    polls = told.polls
    assert polls
    yield report.exactly("errors in polls meanwhile", 0, polls.errors)
    yield _reported("  polls/s meanwhile, against none open", polls.rate / calm.rate)
    yield _reported("  p99 of them in ms", polls.p99 * 1_000)


def _reported(what: str, number: float) -> Row:
    return Row(what, "reported", f"{number:.3g}", None, raw={"number": number})


async def _measure_ours(server: Running, redis_url: str, rounds: int) -> Told:
    """Refresh in this process; the streams are another one's."""
    feed = ListFeed([])
    settings = Settings(redis_url=SecretStr(redis_url), refresh_interval=86_400)
    async with open_resources(settings, feed=feed) as resources, crowd() as clients:

        async def refresh() -> None:
            feed.readings = (Reading(datetime.now(UTC), 34_000.0, 0.1),)
            await resources.refresher.share(await resources.refresher.force())

        told = await _measure(server, resources.redis, clients, refresh, STREAMS, rounds)
        polling = asyncio.create_task(asyncio.to_thread(wrk, server.url, seconds=3))
        while not polling.done():
            await _time(clients, refresh)
            await asyncio.sleep(0.5)
        return Told(told.seconds, told.memory, told.redis_memory, polling.result())


async def _measure_other(server: Running, redis_url: str, rounds: int) -> Told:
    async with Redis.from_url(redis_url) as redis, crowd() as clients:
        settings = Settings(redis_url=SecretStr(redis_url))
        feed = ListFeed([Reading(datetime.now(UTC), 34_000.0, 0.1)])
        async with open_resources(settings, feed=feed) as resources:
            refreshed = (await resources.refresher.force()).snapshot
        assert refreshed
        body = to_json(refreshed)

        async def publish() -> None:
            await redis.publish(CHANNEL, body)

        return await _measure(server, redis, clients, publish, SUBSCRIPTIONS, rounds)


async def _measure(
    server: Running, redis: Redis, clients: Crowd, tell: Tell, count: int, rounds: int
) -> Told:
    """Open the streams, tell them something some times, and see what that takes."""
    await clients.join(server.url, _FIRST)
    await _time(clients, tell)
    before = server.memory(), await _used(redis)
    await clients.join(server.url, count - _FIRST)
    seconds = [taken for _ in range(rounds) for taken in await _time(clients, tell)]
    memory = (server.memory() - before[0]) / (count - _FIRST)
    redis_memory = (await _used(redis) - before[1]) / (count - _FIRST)
    return Told(sorted(seconds), memory, redis_memory)


async def _time(clients: Crowd, tell: Tell) -> list[float]:
    began = asyncio.get_running_loop().time()
    await tell()
    return [heard - began for heard in await clients.all_hear()]


async def _used(redis: Redis) -> float:
    """Return the memory that Redis uses, in kB."""
    memory: dict[str, int] = await redis.info("memory")
    return memory["used_memory"] / 1_024

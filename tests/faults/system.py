"""The whole of it under load: Redis, two service processes, a feed, polls and streams."""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from redis.asyncio import Redis

from isbitcoinlit.clock import from_milliseconds
from isbitcoinlit.errors import StorageError
from isbitcoinlit.models import Metric
from isbitcoinlit.redis_client import connect, redis_errors
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.tasks import running
from isbitcoinlit.traffic import SETTLE_SECONDS
from tests.faults.market import Market
from tests.faults.node import HOST, Node, free_ports
from tests.faults.polls import Polls
from tests.faults.proxy import Proxy
from tests.faults.rigs import Rig, of_shape
from tests.faults.streams import Streams

ROOT = Path(__file__).parents[2]
PREFIX = "isbitcoinlit"
CLIENTS = 50
"""Open streams, over both processes."""
FRESH_SECONDS = 3.0
"""A feed that gives a reading a second, refreshed each second, is never older when all is well."""
LOOK_SECONDS = 0.1
NORMAL_SECONDS = 60.0
"""How long anything may take to be normal again; Sentinel takes its time with old primaries."""
PRICE = Keys(PREFIX).series("senticrypt", Metric.PRICE)


class ServiceNode(Node):
    """One process of the service on a port of its own."""

    def listens(self) -> bool:
        """Whether it answers."""
        try:
            return httpx.get(self.url + "/health/live", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def last_refresh(self) -> str:
        """When it stored something last; empty if it never did."""
        lines = [line for line in self.log().splitlines() if '"refreshed"' in line]
        with suppress(ValueError, KeyError):
            return str(json.loads(lines[-1])["timestamp"]) if lines else ""
        return ""

    def memory(self) -> int:
        """Its resident memory in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        [kilobytes] = re.findall(r"VmRSS:\s+(\d+) kB", status)
        return int(kilobytes) * 1_024


@dataclass
class Look:
    """The newest reading that Redis had at a moment; None if Redis did not say."""

    at: float
    """Monotonic seconds."""
    newest: float | None
    """Seconds since the epoch."""

    @property
    def age(self) -> float:
        """Seconds since that reading, as far as is known."""
        return float("inf") if self.newest is None else self.at + WALL - self.newest


WALL = time.time() - time.monotonic()
"""What makes wall-clock time of monotonic time."""


@dataclass
class System:
    """Everything that runs."""

    shape: str
    rig: Rig
    services: list[ServiceNode]
    market: Market
    polls: Polls
    streams: Streams
    redis: Redis
    lines: list[Proxy] = field(default_factory=list)
    """The line of each process to a single Redis."""
    looks: list[Look] = field(default_factory=list)
    began: int = field(default_factory=lambda: int(time.time()) + 1)
    """The first reading that is asked for when all are counted."""

    def holder(self) -> ServiceNode:
        """The process that does the refreshes now."""
        return max(self.services, key=ServiceNode.last_refresh)

    def other(self) -> ServiceNode:
        """The process that does not."""
        return min(self.services, key=ServiceNode.last_refresh)

    async def look_for_ever(self) -> None:
        """Note what Redis has, all the time."""
        while True:
            began = time.monotonic()
            try:
                with redis_errors():
                    sample = await self.redis.ts().get(PRICE)
                self.looks.append(Look(began, sample[0] / 1_000 if sample else None))
            except StorageError:
                self.looks.append(Look(began, None))
            await asyncio.sleep(LOOK_SECONDS)

    async def missing(self) -> int:
        """Count the readings that the feed has and Redis has not, but for the last two seconds."""
        wanted = set(range(self.began, int(time.time()) - 1))
        async with asyncio.timeout(30):
            while True:
                try:
                    with redis_errors():
                        rows = await self.redis.ts().range(PRICE, self.began * 1_000, "+")
                except StorageError:
                    await asyncio.sleep(LOOK_SECONDS)
                else:
                    return len(wanted - {at // 1_000 for at, _ in rows})

    async def stored(self, since: float, until: float) -> set[str]:
        """The times of the readings that Redis has of a span of monotonic time, as streams say."""
        first, last = (round((at + WALL) * 1_000) for at in (since, until))
        with redis_errors():
            rows = await self.redis.ts().range(PRICE, first, last)
        return {from_milliseconds(int(at)).isoformat() for at, _ in rows}

    async def failures(self) -> int:
        """How many refreshes have failed so far, as the processes count them, each for itself."""
        await asyncio.sleep(2 * SETTLE_SECONDS)  # Each process tells what it counted in its time.
        async with httpx.AsyncClient(timeout=10) as client:
            answers = [await client.get(f"{each.url}/metrics") for each in self.services]
        counted = re.findall(
            r'^isbitcoinlit_refreshes_total\{result="(.*)"\} (.*)$',
            "\n".join(answer.text for answer in answers),
            re.MULTILINE,
        )
        return sum(int(float(n)) for result, n in counted if result != "ok")

    async def normal(self, since: float = 0.0) -> None:
        """Wait until what is new is stored, by servers of which every one runs."""
        async with asyncio.timeout(NORMAL_SECONDS):
            while True:
                last = [look for look in self.looks[-10:] if look.at > since]
                whole = await asyncio.to_thread(self.rig.whole)
                if whole and len(last) == 10 and all(look.age < FRESH_SECONDS for look in last):
                    return
                await asyncio.sleep(LOOK_SECONDS)


async def start(node: Node) -> None:
    """Start a process, and wait until it answers, while everything else goes on."""
    node.spawn()
    assert await asyncio.to_thread(node.comes_up), node.log()


async def stop(node: Node) -> None:
    """End a process in good order, while everything else goes on."""
    await asyncio.to_thread(node.stop)


@asynccontextmanager
async def system(shape: str) -> AsyncIterator[System]:
    """Run everything, under load, until the block ends."""
    async with AsyncExitStack() as stack:
        rig = stack.enter_context(of_shape(shape))
        path = Path(stack.enter_context(TemporaryDirectory(prefix="isbitcoinlit-")))
        market = await stack.enter_async_context(Market().open())
        lines, urls = [], [rig.url, rig.url]
        if shape == "single":
            proxies = (Proxy(rig.servers[0].port) for _ in urls)
            lines = [await stack.enter_async_context(proxy.open()) for proxy in proxies]
            urls = [f"redis://{HOST}:{line.port}/0" for line in lines]
        services = [
            service(path, port, url, market)
            for port, url in zip(free_ports(len(urls)), urls, strict=True)
        ]
        for node in services:
            stack.callback(node.kill)
            await start(node)
        ports = [node.port for node in services]
        redis = await stack.enter_async_context(connect(rig.url, PREFIX))
        polls, streams = Polls(ports), Streams(ports, CLIENTS)
        everything = System(shape, rig, services, market, polls, streams, redis, lines)
        for work in (polls.run(), streams.run(), everything.look_for_ever()):
            await stack.enter_async_context(running(work))
        await everything.normal()
        yield everything


def service(path: Path, port: int, url: str, market: Market, *, ahead: bool = False) -> ServiceNode:
    """A process of the service, not started yet; perhaps with a clock an hour ahead."""
    directory = path / f"service{port}"
    directory.mkdir(exist_ok=True)
    settings: dict[str, object] = {
        "port": port,
        "redis_url": url,
        "senticrypt_url": market.url,
        "feed": "senticrypt",
        "refresh_interval": 1,
        "log_format": "json",
        "key_prefix": PREFIX,
        "max_streams_per_client": 1_000,
        **{f"limit_{group}": "1000000/minute" for group in ("snapshot", "streams", "other")},
    }
    ours = {f"ISBITCOINLIT_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "tests.faults.ahead", "serve"]
    if not ahead:
        main = "from isbitcoinlit.cli.app import main; main()"
        command = [sys.executable, "-c", main, "serve"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **ours}
    return ServiceNode(directory, port, command, environment)

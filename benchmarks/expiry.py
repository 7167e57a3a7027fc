"""The moment at which the cache expires, with everybody polling."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from urllib.parse import urlsplit

from benchmarks import report
from benchmarks.commands import CommandStats
from benchmarks.polls import UNCHANGING
from benchmarks.processes import redis_server, service
from benchmarks.report import Row

CLIENTS = 500
TTL = 1.0
"""Seconds; short, so that many expiries can be measured."""
IDLE = 0.6 * TTL
"""Seconds between an expired burst and a warm one: both find processes that have rested."""
RANGES_PER_COMPUTATION = 4
"""TS.RANGE for average and count of two metrics."""
_REQUEST = b"GET /is-bitcoin-lit HTTP/1.1\r\nHost: localhost\r\n\r\n"

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def rows(*, quick: bool) -> Iterator[Row]:
    """Let two processes' caches expire under a burst of polls."""
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        settings = {**UNCHANGING, "snapshot_ttl": TTL}
        urls = [stack.enter_context(service(redis_url, settings, core=None)).url for _ in range(2)]
        measured = asyncio.run(_measure(redis_url, urls, rounds=2 if quick else 25))
    computations = measured["computations"]
    yield report.exactly(
        f"computations when {CLIENTS} clients find the cache expired, two processes",
        1,
        int(max(computations, key=lambda number: abs(number - 1))),
        rounds=computations,
    )
    yield report.exactly("errors in these bursts", 0, int(sum(measured["errors"])))
    allowed = [w + 2 * c for w, c in zip(measured["warm"], measured["single"], strict=True)]
    ratio = median(c / a for c, a in zip(measured["cold"], allowed, strict=True))
    yield report.at_most("slowest poll then, against warm + two computations", 1, ratio, **measured)


async def _measure(redis_url: str, urls: list[str], rounds: int) -> dict[str, list[float]]:
    stats = CommandStats(redis_url)
    connections = [await _connect(urls[i % len(urls)]) for i in range(CLIENTS)]
    measured: dict[str, list[float]] = {
        name: [] for name in ("warm", "cold", "single", "computations", "errors")
    }
    try:
        for _ in range(rounds):
            await asyncio.sleep(TTL + IDLE)
            measured["single"].append((await _burst(connections[:1]))[0])
            await asyncio.sleep(TTL + IDLE)
            stats.since()
            cold, cold_errors = await _burst(connections)
            calls = stats.since().calls.get("ts.range", 0)
            await asyncio.sleep(IDLE)
            warm, warm_errors = await _burst(connections)
            measured["cold"].append(cold)
            measured["warm"].append(warm)
            measured["computations"].append(calls / RANGES_PER_COMPUTATION)
            measured["errors"].append(cold_errors + warm_errors)
    finally:
        for _, writer in connections:
            writer.close()
    return measured


async def _connect(url: str) -> _Connection:
    address = urlsplit(url)
    connection = await asyncio.open_connection(address.hostname, address.port)
    await _poll(connection)
    return connection


async def _burst(connections: list[_Connection]) -> tuple[float, int]:
    """Poll on all connections at once; return the slowest answer's time, and the errors."""
    polls = await asyncio.gather(*(_poll(connection) for connection in connections))
    return max(seconds for seconds, _ in polls), sum(status != b"200" for _, status in polls)


async def _poll(connection: _Connection) -> tuple[float, bytes]:
    reader, writer = connection
    began = time.perf_counter()
    writer.write(_REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    return time.perf_counter() - began, head.split(b" ", 2)[1]

"""The snapshot's computation, when there is much history and when there is little."""

import asyncio
import time
from collections.abc import Iterator
from statistics import median

from redis.asyncio import Redis

from benchmarks import report
from benchmarks.processes import redis_server
from benchmarks.refreshes import readings
from benchmarks.report import Row
from isbitcoinlit.clock import SystemClock
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.snapshot.reader import SnapshotReader

FEW, MANY = 10_000, 1_000_000
_CHUNK = 50_000
"""Readings stored in one call."""


def rows(*, quick: bool) -> Iterator[Row]:
    """Compute the snapshot over both amounts of readings in turn."""
    many = MANY // 10 if quick else MANY
    with redis_server() as redis_url:
        ratios, seconds = asyncio.run(_measure(redis_url, many, rounds=50 if quick else 300))
    what = f"snapshot over {many:,} readings, against {FEW:,}"
    yield report.at_most(what, 1.3, median(ratios), seconds=seconds)


async def _measure(redis_url: str, many: int, rounds: int) -> tuple[list[float], dict[int, float]]:
    async with connect(redis_url) as redis:
        readers = {number: await _filled(redis, number) for number in (FEW, many)}
        times: dict[int, list[float]] = {number: [] for number in readers}
        for _ in range(rounds):
            for number, reader in readers.items():
                began = time.perf_counter()
                await reader.read()
                times[number].append(time.perf_counter() - began)
    ratios = [b / a for a, b in zip(times[FEW], times[many], strict=True)]
    return ratios, {number: median(taken) for number, taken in times.items()}


async def _filled(redis: Redis, number: int) -> SnapshotReader:
    """Store that many readings under a prefix of their own."""
    keys = Keys(f"bench{number}")
    series = SeriesStore(redis, keys)
    history = readings(number)
    for start in range(0, number, _CHUNK):
        await series.add("demo", history[start : start + _CHUNK])
    return SnapshotReader("demo", series, Rollups(redis, keys), SystemClock(), stale_after=600)

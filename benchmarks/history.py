"""The past: from roll-ups, over HTTP, and beside the databases that one would take instead."""

import asyncio
import csv
import gc
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from redis.asyncio import Redis

from benchmarks import report
from benchmarks.databases import Buckets, Sample, duck, sqlite
from benchmarks.polls import record
from benchmarks.processes import UNREACHED, Running, module, redis_server, service
from benchmarks.report import Row
from benchmarks.wrk import wrk
from isbitcoinlit.clock import HOUR_MILLISECONDS, SystemClock, to_milliseconds
from isbitcoinlit.models import PAIR, Metric, Span
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.buckets import DAY_MILLISECONDS, Aggregation, Interval
from isbitcoinlit.series.bulk import BulkWriter
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.planner import BucketReader

FEED = "demo"
YEAR = 365
_BATCH = 50_000
_MONTH = "/api/v1/series?from=now-30d"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is to read."""

    days: int
    rounds: int

    @property
    def span(self) -> Span:
        """Whole days up to yesterday."""
        end = Interval.DAY.floor(to_milliseconds(SystemClock().now()))
        return Span(end - self.days * DAY_MILLISECONDS, end)


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure on ten years of readings, or on two months to see that it works."""
    extent = Extent(60, 3) if quick else Extent(10 * YEAR, 15)
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        year = Span(extent.span.end - min(extent.days, YEAR) * DAY_MILLISECONDS, extent.span.end)
        yield asyncio.run(_memory(redis_url, year))
        yield from asyncio.run(_rolled_up(redis_url, extent))
        yield from asyncio.run(_beside_databases(redis_url, directory, extent))
        yield from _over_http(stack, redis_url, directory, rounds=2 if quick else 10)


def samples(span: Span) -> Iterator[Sample]:
    """Readings that compress like real ones.

    A price in cents, a mood in hundredths that turns slowly (it is a mean over half an hour), and
    times that jitter by milliseconds.
    """
    chance = random.Random(1)
    moment, price, mood = span.begin, 30_000.0, 0.2
    while moment < span.end:
        price = round(max(1_000.0, price + chance.gauss(0, 5)), 2)
        mood = round(max(-1.0, min(1.0, mood + chance.choice((-0.01, 0, 0, 0.01)))), 2)
        yield moment, price, mood
        moment += 30_000 + chance.randrange(-150, 150)


async def _fill(redis: Redis, keys: Keys, span: Span) -> int:
    """Store all readings of a span; return how many they are."""

    async def nobody(_feed: str, _spans: object) -> None:
        pass

    number, batch = 0, []
    async with BulkWriter(redis, keys, FEED, tell=nobody).writing() as writer:
        for sample in samples(span):
            batch.append(sample)
            number += 1
            if len(batch) == _BATCH:
                await _send(writer, batch)
                batch = []
        await _send(writer, batch)
    return number


async def _send(writer: BulkWriter, batch: list[Sample]) -> None:
    await writer.add(
        {
            Metric.PRICE: {at: price for at, price, _ in batch},
            Metric.SENTIMENT: {at: mood for at, _, mood in batch},
        }
    )


@asynccontextmanager
async def _client(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as redis:
        yield redis


async def _memory(redis_url: str, span: Span) -> Row:
    """Weigh a year: the two series and their roll-ups."""
    keys = Keys("bench-memory")
    async with _client(redis_url) as redis:
        number = await _fill(redis, keys, span)
        names = [name async for name in redis.scan_iter("{bench-memory}:*:*")]
        infos: list[Any] = [await redis.ts().info(name) for name in names]
        parts = {
            "readings": sum(i.memory_usage for i in infos if not i.source_key),
            "rollups": sum(i.memory_usage for i in infos if i.source_key),
        }
        await redis.flushall()
    what = f"bytes of Redis per reading of both metrics, roll-ups included, {number:,} readings"
    return report.at_most(what, 14, sum(parts.values()) / number, bytes=parts, readings=number)


async def _rolled_up(redis_url: str, extent: Extent) -> list[Row]:
    """Compare days from roll-ups with the same from the readings."""
    keys, span = Keys("bench"), extent.span
    async with _client(redis_url) as redis:
        await _fill(redis, keys, span)
        reader = BucketReader(redis, keys)

        async def planned() -> object:
            parts = Aggregation.AVG.parts
            return await reader.read(FEED, [Metric.PRICE], Interval.DAY, parts, span)

        async def raw(aggregation: str = "avg") -> object:
            return await redis.ts().range(
                keys.series(FEED, Metric.PRICE),
                span.begin,
                span.end,
                aggregation_type=aggregation,
                bucket_size_msec=DAY_MILLISECONDS,
            )

        async def raw_parts() -> object:
            return [await raw(part) for part in Aggregation.AVG.parts]

        gc.collect()
        gc.freeze()  # As the service does when it has started.
        took = await _in_turn(extent.rounds, planned=planned, raw=raw, raw_parts=raw_parts)
        used = {
            "planned": await _server_time(redis, planned),
            "raw": await _server_time(redis, raw),
        }
    years = extent.days / YEAR
    ratio, same = (
        median(b / a for a, b in zip(took["planned"], took[name], strict=True))
        for name in ("raw", "raw_parts")
    )
    what = f"{years:.1f} years by the day from roll-ups, against raw TS.RANGE"
    by_redis = used["raw"] / used["planned"]
    return [
        report.at_least(what, 100, ratio, seconds=took),
        report.at_least("  the same by Redis' own time", 100, by_redis, microseconds=used),
        Row("  the same, raw counts read as well", "reported", f"{same:.1f}", None),
    ]


async def _server_time(redis: Redis, do: Callable[[], Awaitable[object]]) -> float:
    """Return the microseconds that Redis itself needs."""
    await redis.config_resetstat()
    await do()
    stats: Any = await redis.info("commandstats")
    return float(sum(s["usec"] for name, s in stats.items() if "ts" in name.lower()))


async def _beside_databases(redis_url: str, directory: Path, extent: Extent) -> list[Row]:
    """Compare a month by the hour, and everything by the day, with SQLite and DuckDB."""
    keys, span = Keys("bench"), extent.span
    table = directory / "readings.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("time", "price", "sentiment"), *samples(span)])
    others = {
        "SQLite": sqlite(directory / "readings.sqlite", samples(span)),
        "DuckDB": duck(directory / "readings.duckdb", table),
    }
    month = Span(span.end - 30 * DAY_MILLISECONDS, span.end)
    found = []
    async with _client(redis_url) as redis:
        reader = BucketReader(redis, keys)
        for what, asked, interval in (
            ("30 days by the hour", month, Interval.HOUR),
            (f"{extent.days / YEAR:.1f} years by the day", span, Interval.DAY),
        ):
            found += await _beside(reader, others, what, asked, interval, extent.rounds)
    return found


async def _beside(
    reader: BucketReader,
    others: dict[str, Buckets],
    what: str,
    asked: Span,
    interval: Interval,
    rounds: int,
) -> list[Row]:
    async def ours() -> object:
        return await reader.read(FEED, PAIR, interval, Aggregation.AVG.parts, asked)

    def theirs(buckets: Buckets) -> Callable[[], Awaitable[object]]:
        async def query() -> object:
            return buckets(asked.begin, asked.end, interval.width)

        return query

    took = await _in_turn(rounds, ours=ours, **{n: theirs(b) for n, b in others.items()})
    ratios = {
        name: median(b / a for a, b in zip(took["ours"], took[name], strict=True))
        for name in others
    }
    return [
        report.at_least(f"{what}, against SQLite", 1, ratios["SQLite"], seconds=took),
        Row(f"{what}, against DuckDB", "reported", f"{ratios['DuckDB']:.2f}", None),
    ]


async def _in_turn(rounds: int, **runs: Callable[[], Awaitable[object]]) -> dict[str, list[float]]:
    """Time the alternatives in turn, after one round that is not counted."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            await run()
            took[name].append(time.perf_counter() - began)
    return {name: times[1:] for name, times in took.items()}


def _over_http(stack: ExitStack, redis_url: str, directory: Path, *, rounds: int) -> Iterator[Row]:
    """Ask for a month by the hour: the answer that is kept, and one that has to be computed."""
    settings = {"key_prefix": "bench", "refresh_interval": 86_400, "limit_history": UNREACHED}
    ours = stack.enter_context(service(redis_url, settings))
    answer = httpx.get(ours.url + _MONTH)
    plain = stack.enter_context(module("plain", record(answer, directory / "month.json")))
    loads: dict[str, list[float]] = {"kept": [], "plain": []}
    singles: dict[str, list[float]] = {"computed": [], "plain": []}
    for turn in range(rounds):
        loads["plain"].append(_rate(plain))
        loads["kept"].append(_rate(ours))
        singles["plain"].append(_one_by_one(plain, turn))
        singles["computed"].append(_one_by_one(ours, turn))
    slower = median(b / a for a, b in zip(loads["kept"], loads["plain"], strict=True))
    what = "30 days by the hour over HTTP, kept: time, against the least of FastAPI"
    yield report.at_most(what, 2, slower, requests_per_second=loads, bytes=len(answer.content))
    cold = median(a / b for a, b in zip(singles["computed"], singles["plain"], strict=True))
    yield Row("  the same, computed each time", "reported", f"{cold:.1f}", None, raw=singles)


def _rate(server: Running) -> float:
    return wrk(server.url, seconds=1, clients=8, path=_MONTH).rate


def _one_by_one(server: Running, turn: int) -> float:
    """Return the seconds of a request whose range nobody has asked for before."""
    took = []
    with httpx.Client(base_url=server.url) as client:
        for number in range(20):
            end = Interval.HOUR.floor(to_milliseconds(SystemClock().now()))
            end -= (20 * turn + number) * HOUR_MILLISECONDS
            path = f"/api/v1/series?from={end - 30 * DAY_MILLISECONDS}&to={end}"
            began = time.perf_counter()
            client.get(path).raise_for_status()
            took.append(time.perf_counter() - began)
    return median(took)

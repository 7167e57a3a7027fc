"""Imports: a file of readings, against the same samples as commands made beforehand."""

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from redis import Redis

from benchmarks import report
from benchmarks.processes import redis_server
from benchmarks.report import Row
from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.embedded.server import find_server
from isbitcoinlit.models import PAIR, Metric
from isbitcoinlit.series.buckets import Level
from isbitcoinlit.series.bulk import COMMAND, packed
from isbitcoinlit.series.definition import RAW_CHUNK, ROLLUP_CHUNKS
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rules import rules_of
from isbitcoinlit.settings import variable

FEED = "demo"
_SPACING = timedelta(seconds=30)
_BEGIN = datetime(2022, 1, 1, tzinfo=UTC)
_IMPORT = "from isbitcoinlit.cli.app import main; main()"


def rows(*, quick: bool) -> Iterator[Row]:
    """Load the same samples by turns, into series with roll-ups and into bare ones."""
    readings, rounds = (20_000, 2) if quick else (400_000, 3)
    took: dict[str, list[float]] = {"import": [], "ruled": [], "bare": [], "again": []}
    took["start"] = []
    busy: dict[str, list[float]] = {"import": [], "ruled": [], "start": []}
    with tempfile.TemporaryDirectory(prefix="bench-") as name, redis_server() as url:
        directory = Path(name)
        samples = _write_csv(directory / "readings.csv", readings)
        _write_csv(directory / "one.csv", 1)
        for turn in range(rounds):
            keys = {kind: Keys(f"bench-{kind}-{turn}") for kind in ("ruled", "bare", "import")}
            for kind in ("ruled", "bare"):
                with Redis.from_url(url) as redis:
                    _create(redis, keys[kind], rules=kind == "ruled")
                pipe = directory / "commands"
                pipe.write_bytes(b"".join(_commands(keys[kind], samples)))
                before = _processor_seconds(url)
                took[kind].append(_pipe(url, pipe))
                if kind in busy:
                    busy[kind].append(_busier(before, url))
            before = _processor_seconds(url)
            took["import"].append(_import(url, keys["import"], directory / "readings.csv"))
            busy["import"].append(_busier(before, url))
            before = _processor_seconds(url)
            took["start"].append(_import(url, keys["import"], directory / "one.csv"))
            busy["start"].append(_busier(before, url))
            took["again"].append(_import(url, keys["import"], directory / "readings.csv"))
            with Redis.from_url(url) as redis:
                redis.flushall()
    count = 2 * readings
    start = median(took["start"])
    rates = {kind: round(count / median(times)) for kind, times in took.items()}
    rates["import"] = round(count / (median(took["import"]) - start))
    worked = median(busy["import"]) - median(busy["start"])
    raw = {"samples": count, "samples_per_second": rates, "seconds": took}
    yield report.at_least(
        f"CSV import, but for its start ({start:.1f} s), against redis-cli --pipe into such series",
        0.3,
        rates["import"] / rates["ruled"],
        **raw,
    )
    yield report.at_least(
        "the same import, against redis-cli --pipe into series without roll-ups",
        0.3,
        rates["import"] / rates["bare"],
    )
    yield Row(
        "the same by processor time of the busier process, which other programs do not change",
        "reported",
        f"{median(busy['ruled']) / worked:.2f}",
        None,
        raw={"processor_seconds": busy},
    )
    yield Row("CSV import, samples/s", "reported", f"{rates['import']:,}", None)
    yield Row("the same file again, samples/s", "reported", f"{rates['again']:,}", None)


def _write_csv(path: Path, readings: int) -> dict[Metric, list[tuple[int, float]]]:
    """Write a file of readings that compress like real ones, and return its samples."""
    rng = random.Random(1)
    samples: dict[Metric, list[tuple[int, float]]] = {metric: [] for metric in PAIR}
    price = 30_000.0
    with path.open("w") as file:
        file.write("time,price,sentiment\n")
        for at in range(readings):
            moment, mood = _BEGIN + at * _SPACING, round(rng.uniform(-0.5, 0.5), 2)
            price = round(price + rng.gauss(0, 5), 2)
            file.write(f"{moment.isoformat()},{price!r},{mood!r}\n")
            for metric, value in ((Metric.PRICE, price), (Metric.SENTIMENT, mood)):
                samples[metric].append((to_milliseconds(moment), value))
    return samples


def _commands(keys: Keys, samples: dict[Metric, list[tuple[int, float]]]) -> Iterator[bytes]:
    for metric, found in samples.items():
        for start in range(0, len(found), COMMAND):
            yield packed(keys.series(FEED, metric), found[start : start + COMMAND])


def _create(redis: "Redis", keys: Keys, *, rules: bool) -> None:
    for metric in PAIR:
        key = keys.series(FEED, metric)
        redis.ts().create(key, duplicate_policy="first", chunk_size=RAW_CHUNK)
        for rule in rules_of(keys, FEED, metric) if rules else ():
            redis.ts().create(rule.destination, chunk_size=ROLLUP_CHUNKS[Level(rule.level)])
            redis.ts().createrule(key, rule.destination, rule.part, rule.level.width)


def _processor_seconds(url: str) -> tuple[float, float]:
    """Return what finished clients, and the server, have used so far."""
    clients = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Redis.from_url(url) as redis:
        server = redis.info("cpu")
    return (
        clients.ru_utime + clients.ru_stime,
        server["used_cpu_user"] + server["used_cpu_sys"],
    )


def _busier(before: tuple[float, float], url: str) -> float:
    """Return the processor time of client or server since then, whichever is more.

    They work at the same time, so on a machine with nothing else to do that is how long it takes.
    """
    pairs = zip(_processor_seconds(url), before, strict=True)
    return max(now - then for now, then in pairs)


def _pipe(url: str, commands: Path) -> float:
    """Return the seconds that redis-cli takes, its start included."""
    client = find_server().binary.with_name("redis-cli")
    with commands.open("rb") as file:
        begin = time.perf_counter()
        done = subprocess.run(
            [client, "-s", url.removeprefix("unix://"), "--pipe"],
            stdin=file,
            capture_output=True,
            check=True,
        )
        took = time.perf_counter() - begin
    assert b"errors: 0" in done.stdout, done.stdout
    return took


def _import(url: str, keys: Keys, path: Path) -> float:
    """Return the seconds that our command takes, its start included."""
    variables = {variable("redis_url"): url, variable("key_prefix"): keys.prefix}
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", _IMPORT, "import", str(path), "--feed", FEED],
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - begin

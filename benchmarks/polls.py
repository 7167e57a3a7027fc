"""Warm polls: how near the service comes to the least a server can do."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from redis import Redis

from benchmarks import report
from benchmarks.processes import Running, module, redis_server, service
from benchmarks.report import Row
from benchmarks.tutorial import KEY
from benchmarks.wrk import wrk

UNCHANGING: dict[str, object] = {"refresh_interval": 86_400, "stale_after": 864_000}
"""Settings under which the snapshot, and so its tag, stays the same for a day."""
_MANY = 256
"""Clients for the measurement of latency."""


@dataclass(frozen=True, slots=True)
class Polls:
    """One run against one server."""

    rate: float
    """Polls per second."""
    cost: float
    """Microseconds of processor time per poll."""
    p99: float
    errors: int


def rows(*, quick: bool) -> Iterator[Row]:
    """Measure throughput and latency of warm polls against the alternatives."""
    rounds, warm_ups = (1, 0) if quick else (15, 1)
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        directory = Path(stack.enter_context(TemporaryDirectory()))
        ours = stack.enter_context(service(redis_url, UNCHANGING))
        answer = httpx.get(f"{ours.url}/is-bitcoin-lit")
        tag = answer.headers["etag"]
        unchanged = httpx.get(f"{ours.url}/is-bitcoin-lit", headers={"if-none-match": tag})
        bare = stack.enter_context(module("bare", record(answer, directory / "200.json")))
        bare_304 = stack.enter_context(module("bare", record(unchanged, directory / "304.json")))
        Redis.from_url(redis_url).set(KEY, answer.text)
        tutorial = stack.enter_context(module("tutorial", redis_url))

        def polls(server: Running, **options: Any) -> Callable[[], Polls]:
            return lambda: _poll(server, seconds=1, **options)

        condition = (f"If-None-Match: {tag}",)
        loads = _in_turn(
            rounds,
            warm_ups,
            ours=polls(ours),
            bare=polls(bare),
            tutorial=polls(tutorial),
            ours_304=polls(ours, headers=condition),
            bare_304=polls(bare_304, headers=condition),
            ours_many=polls(ours, clients=_MANY),
            bare_many=polls(bare, clients=_MANY),
        )
    yield from _throughput("warm polls/s, against a bare ASGI app", 0.9, loads, "ours", "bare")
    yield from _throughput("warm polls/s, against the tutorial", 10, loads, "ours", "tutorial")
    yield from _throughput("304 polls/s, against a bare app", 0.9, loads, "ours_304", "bare_304")
    ratio = median(
        a.p99 / b.p99 for a, b in zip(loads["ours_many"], loads["bare_many"], strict=True)
    )
    p99 = {name: median(load.p99 for load in loads[name]) for name in ("ours_many", "bare_many")}
    yield report.at_most(f"p99 with {_MANY} clients, against a bare app", 1.3, ratio, seconds=p99)
    errors = sum(load.errors for runs in loads.values() for load in runs)
    yield report.exactly("errors in all of these polls", 0, errors)


def _poll(server: Running, **options: Any) -> Polls:
    before = server.processor_seconds()
    load = wrk(server.url, **options)
    cost = (server.processor_seconds() - before) / load.requests * 1e6
    return Polls(load.rate, cost, load.p99, load.errors)


def record(answer: httpx.Response, path: Path) -> str:
    """Write an answer down for the bare app to repeat."""
    left_out = ("date", "connection")  # what the HTTP server itself adds
    headers = [(n, v) for n, v in answer.headers.items() if n not in left_out]
    content = {"status": answer.status_code, "headers": headers, "body": answer.text}
    path.write_text(json.dumps(content))
    return str(path)


def _in_turn(rounds: int, warm_ups: int, **runs: Callable[[], Polls]) -> dict[str, list[Polls]]:
    """Take the alternatives in turn, so that a slow minute of the machine hits all of them."""
    loads: dict[str, list[Polls]] = {name: [] for name in runs}
    for _ in range(warm_ups + rounds):
        for name, run in runs.items():
            loads[name].append(run())
    return {name: polls[warm_ups:] for name, polls in loads.items()}


def _throughput(
    what: str, goal: float, loads: dict[str, list[Polls]], ours: str, other: str
) -> Iterator[Row]:
    """Compare two alternatives round by round, by the clock and by the processor time."""
    pairs = list(zip(loads[ours], loads[other], strict=True))
    rates = {name: [polls.rate for polls in loads[name]] for name in (ours, other)}
    by_clock = median(a.rate / b.rate for a, b in pairs)
    yield report.at_least(what, goal, by_clock, requests_per_second=rates)
    costs = {name: [polls.cost for polls in loads[name]] for name in (ours, other)}
    by_processor = median(b.cost / a.cost for a, b in pairs)
    what = "  the same by processor time per poll"
    yield report.at_least(what, goal, by_processor, microseconds=costs)

"""The memory of a service that has answered a million polls."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks import report
from benchmarks.polls import UNCHANGING, record
from benchmarks.processes import Running, module, redis_server, service
from benchmarks.report import Row
from benchmarks.wrk import wrk

FEW, MANY = 10_000, 1_000_000
TTL = 1
"""Seconds; short, so that the first look already sees a process that has done everything once."""


def rows(*, quick: bool) -> Iterator[Row]:
    """Poll, look, poll much longer, look again; a bare app tells the server's own share."""
    many = MANY // 20 if quick else MANY
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        ours = stack.enter_context(service(redis_url, {**UNCHANGING, "snapshot_ttl": TTL}))
        path = Path(stack.enter_context(TemporaryDirectory())) / "answer.json"
        answer = httpx.get(f"{ours.url}/is-bitcoin-lit")
        bare = stack.enter_context(module("bare", record(answer, path)))
        (before, after), (bare_before, bare_after) = _grow(ours, many), _grow(bare, many)
    what = f"memory after {many:,} polls, against after {FEW:,}"
    yield report.at_most(what, 1.05, after / before, kilobytes={"before": before, "after": after})
    yield Row(
        what="  the same of a bare app",
        goal="reported",
        measured=f"{bare_after / bare_before:.3g}",
        reached=None,
        raw={"kilobytes": {"before": bare_before, "after": bare_after}},
    )


def _grow(server: Running, many: int) -> tuple[int, int]:
    """Return the memory after few and after many polls, in kB."""
    polls = wrk(server.url, seconds=3 * TTL).requests
    before = server.memory()
    while polls < many:
        polls += wrk(server.url, seconds=1).requests
    return before, server.memory()

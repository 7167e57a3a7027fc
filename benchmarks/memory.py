"""The memory of a service that has answered a million polls."""

from collections.abc import Iterator

from benchmarks import report
from benchmarks.polls import UNCHANGING
from benchmarks.processes import redis_server, service
from benchmarks.report import Row
from benchmarks.wrk import wrk

FEW, MANY = 10_000, 1_000_000


def rows(*, quick: bool) -> Iterator[Row]:
    """Poll, look, poll much longer, look again."""
    many = MANY // 10 if quick else MANY
    with redis_server() as redis_url, service(redis_url, UNCHANGING) as running:
        sizes, polls = [], 0
        for enough in (FEW, many):
            while polls < enough:
                polls += wrk(running.url, seconds=1).requests
            sizes.append((polls, running.memory()))
    (few, before), (lots, after) = sizes
    what = f"memory after {lots:,} polls, against after {few:,}"
    yield report.at_most(what, 1.05, after / before, kilobytes={"before": before, "after": after})

"""Two processes on two cores, which they share with the load generator."""

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from benchmarks.polls import UNCHANGING
from benchmarks.processes import redis_server, service
from benchmarks.report import Row
from benchmarks.wrk import wrk


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare `--workers 2` with one worker; nothing is pinned."""
    rounds, seconds = (1, 1) if quick else (7, 2)
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        urls = {
            number: stack.enter_context(
                service(redis_url, {**UNCHANGING, "workers": number}, core=None)
            ).url
            for number in (1, 2)
        }
        rates: dict[int, list[float]] = {number: [] for number in urls}
        for _ in range(rounds + 1):
            for number, url in urls.items():
                rates[number].append(wrk(url, seconds=seconds).rate)
    ratios = [two / one for one, two in zip(rates[1][1:], rates[2][1:], strict=True)]
    yield Row(
        what="polls/s with two workers, against one (wrk shares the cores)",
        goal="reported",
        measured=f"{median(ratios):.2f}",
        reached=None,
        raw={"requests_per_second": rates},
    )

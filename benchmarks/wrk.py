"""Load by `wrk`, a Debian package."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

from benchmarks.processes import LOAD_CORE

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw."""

    requests: int
    rate: float
    """Requests per second."""
    p99: float
    """Seconds."""
    errors: int
    """Socket errors, and answers that are neither 2xx nor 3xx."""


def missing() -> bool:
    """Tell whether wrk is not installed."""
    return shutil.which("wrk") is None


def wrk(
    url: str,
    *,
    seconds: int,
    clients: int = 32,
    headers: tuple[str, ...] = (),
    path: str = "/is-bitcoin-lit",
) -> Load:
    """Ask for one answer again and again from one core, for some seconds."""
    command = ["wrk", "--latency", "-t1", f"-c{clients}", f"-d{seconds}s"]
    for header in headers:
        command += ["-H", header]
    core = LOAD_CORE % (os.cpu_count() or 1)
    output = subprocess.run(
        ["taskset", "-c", str(core), *command, f"{url}{path}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return _parse(output)


def _parse(output: str) -> Load:
    requests = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    if not (requests and rate and p99):
        raise ValueError(f"wrk says something unexpected: {output}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    socket_errors = re.search(r"Socket errors: (.*)", output)
    errors = int(refused[1]) if refused else 0
    errors += sum(map(int, re.findall(r"\d+", socket_errors[1]))) if socket_errors else 0
    return Load(int(requests[1]), float(rate[1]), float(p99[1]) * _UNITS[p99[2]], errors)

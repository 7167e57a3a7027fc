"""Starts what is measured, each in a process of its own."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from isbitcoinlit.embedded.server import EmbeddedRedis
from isbitcoinlit.settings import variable

SERVER_CORE, LOAD_CORE = 0, 1
"""The server has one core to itself, the load generator another."""
START_SECONDS = 15
UNREACHED = "1000000000/minute"
"""A limit that counts like any other and refuses nobody: all load comes from one client."""
_URL = re.compile(r"http://\S+:\d+")


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    url: str
    pid: int

    def processor_seconds(self) -> float:
        """Processor time used so far; unlike the clock, it does not count other programs."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Resident memory in kB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis of the benchmark's own; give its address."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as directory,
        EmbeddedRedis(Path(directory), "benchmark") as server,
    ):
        yield server.url


@contextmanager
def service(
    redis_url: str, settings: Mapping[str, object], core: int | None = SERVER_CORE
) -> Iterator[Running]:
    """Run `isbitcoinlit serve` on the demo feed, with these settings."""
    code = "from isbitcoinlit.cli.app import main; main()"
    always = {
        "redis_url": redis_url,
        "feed": "demo",
        "port": 0,
        "log_level": "error",
        "limit_snapshot": UNREACHED,
    }
    variables = {variable(name): str(value) for name, value in {**always, **settings}.items()}
    with _run(["-c", code, "serve"], core, variables) as running:
        yield running


@contextmanager
def module(name: str, *arguments: str) -> Iterator[Running]:
    """Run one of the alternatives."""
    with _run(["-m", f"benchmarks.{name}", *arguments], SERVER_CORE) as running:
        yield running


@contextmanager
def _run(
    arguments: list[str], core: int | None, variables: Mapping[str, str] | None = None
) -> Iterator[Running]:
    pin = [] if core is None else ["taskset", "-c", str(core % (os.cpu_count() or 1))]
    process = subprocess.Popen(
        [*pin, sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(variables or {})},
    )
    try:
        yield Running(_address(process), process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS)


def _address(process: subprocess.Popen[str]) -> str:
    """Return the address that a server prints once it answers."""
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and (line := process.stdout.readline()):
        if found := _URL.search(line):
            return found[0]
    process.kill()
    raise RuntimeError(f"A server did not start: {process.communicate()[1]}")

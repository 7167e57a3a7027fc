"""The service as a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from tests.waiting import runs, until

COMMAND = [str(Path(sys.executable).with_name("isbitcoinlit"))]
"""The command as it is installed: worker processes import the file that it lies in."""
START_SECONDS = 20
READ_SECONDS = 10
_URL = re.compile(r"runs at (http://\S+)")


@dataclass
class Service:
    """A process that has been started."""

    process: subprocess.Popen[str]
    output: list[str]
    """Lines of its standard output."""
    log: list[str]
    """Lines of its standard error."""
    readers: list[Thread]

    def end(self) -> None:
        """Kill it if it still runs, wait for its Redis, and read what it said to the end."""
        self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join(READ_SECONDS)
            assert not reader.is_alive(), "something that it started still runs"
        started = [line["pid"] for line in self.events("redis-started")]
        assert until(lambda: not any(map(runs, started)))

    @property
    def url(self) -> str:
        """The address it printed."""
        return next(found[1] for line in self.output if (found := _URL.search(line)))

    def get(self, path: str = "/is-bitcoin-lit", **options: Any) -> httpx.Response:
        """Ask the service."""
        return httpx.get(self.url + path, **{"timeout": 30, **options})

    def refresh(self) -> httpx.Response:
        """Have the service pull its feed."""
        return httpx.post(self.url + "/refresh", timeout=30)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines about one kind of event."""
        lines = [json.loads(line) for line in self.log if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def redis_pid(self) -> int:
        """Return the process number of the embedded Redis, the last one if there were several."""
        pid: int = self.events("redis-started")[-1]["pid"]
        return pid

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(10)


@contextmanager
def service(**settings: object) -> Iterator[Service]:
    """Run `isbitcoinlit serve` with these settings, once it answers."""
    running = start(**settings)
    try:
        ready = until(lambda: any("runs at" in line for line in running.output), START_SECONDS)
        assert ready, running.log
        yield running
    finally:
        running.end()


def start(*arguments: str, **settings: object) -> Service:
    """Start `isbitcoinlit serve`, or another command, with these settings; it may refuse."""
    process = subprocess.Popen(
        [*COMMAND, *(arguments or ("serve",))],
        env=_environment({"port": 0, "log_level": "debug", **settings}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Service(process, [], [], [])
    for stream, lines in ((process.stdout, running.output), (process.stderr, running.log)):
        running.readers.append(Thread(target=_collect, args=(stream, lines), daemon=True))
        running.readers[-1].start()
    return running


def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run another command of the command line to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=_environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _environment(settings: Mapping[str, object]) -> dict[str, str]:
    # Without the live feed, which would ask the world.
    chosen = {"feed": "senticrypt", **settings}
    ours = {f"ISBITCOINLIT_{name.upper()}": str(value) for name, value in chosen.items()}
    return {**os.environ, "COLUMNS": "200", **ours}


def _collect(stream: Any, lines: list[str]) -> None:
    with stream:
        lines.extend(line.rstrip() for line in stream)  # grows while it is being read

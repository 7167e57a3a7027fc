"""A Redis that a test may stop, kill, freeze and start again: an operator's own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from isbitcoinlit.redis_server import find_server
from isbitcoinlit.redis_supervisor import answers
from tests.waiting import until


class OwnRedis:
    """A server with time series and an append-only file, on a socket in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._socket = directory / "own.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start it, with the data that it had, and wait until it answers."""
        binary, module = find_server()
        options = ["--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._directory)]
        options += ["--save", "", "--appendonly", "yes", "--loadmodule", str(module)]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen([str(binary), *options], stdout=log)
        assert until(lambda: answers(self._socket))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, by default in good order; it keeps its data."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(5)
            self._process = None

    def freeze(self) -> None:
        """Let it take connections, and answer nothing."""
        assert self._process
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process
        os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    """A server that runs."""
    with TemporaryDirectory(prefix="isbitcoinlit-") as directory:
        server = OwnRedis(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGKILL)

"""A Redis that a test may stop, kill, freeze and start again: an operator's own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from isbitcoinlit.embedded import launcher
from isbitcoinlit.embedded.server import find_server
from isbitcoinlit.embedded.supervisor import answers
from tests.waiting import until

_ENDS_WITH_US = (sys.executable, "-I", "-S", launcher.__file__)
"""What starts a server that does not outlive tests that are killed."""


class OwnRedis:
    """A server with an append-only file and, if wanted, time series; on a socket in a directory."""

    def __init__(self, directory: Path, options: Sequence[str]) -> None:
        self._directory = directory
        self._options = options
        self._socket = directory / "own.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start it, with the data that it had, and wait until it answers."""
        binary, _ = find_server()
        options = ["--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._directory)]
        options += ["--save", "", "--appendonly", "yes"]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_ENDS_WITH_US, str(os.getpid()), str(binary), *options, *self._options],
                stdout=log,
            )
        assert until(self._answers)

    def _answers(self) -> bool:
        if "--requirepass" not in self._options:
            return answers(self._socket)
        # Without the password it says no more than that it wants one.
        return self._socket.exists()

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
def own_redis(*, time_series: bool = True, password: str = "") -> Iterator[OwnRedis]:
    """A server that runs."""
    with TemporaryDirectory(prefix="isbitcoinlit-") as directory:
        options = ["--loadmodule", str(find_server().module)] if time_series else []
        options += ["--requirepass", password] if password else []
        server = OwnRedis(Path(directory), options)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGKILL)

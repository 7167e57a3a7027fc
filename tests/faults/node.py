"""One server of Redis on a port of loopback, which tests kill, freeze and start again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from isbitcoinlit.embedded import launcher
from isbitcoinlit.embedded.server import find_server
from tests.waiting import until

START_SECONDS = 15.0
_ENDS_WITH_US = (sys.executable, "-I", "-S", launcher.__file__)
"""What starts a server that does not outlive tests that are killed."""
HOST = "127.0.0.1"


class Node:
    """A process that keeps its port and its directory over all its lives."""

    def __init__(
        self,
        directory: Path,
        port: int,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self.directory = directory
        self.command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.spawn()
        assert self.comes_up(), self.log()

    def comes_up(self) -> bool:
        """Wait until it listens."""
        return until(self.listens, START_SECONDS)

    def spawn(self) -> None:
        """Start it; by the main thread, since it ends with the thread that starts it."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_ENDS_WITH_US, str(os.getpid()), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=self._environment,
                restore_signals=False,  # A file that may not grow is an error, not a signal.
            )

    def listens(self) -> bool:
        """Whether it answers, and be it with an error."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as probe:
                probe.sendall(b"PING\r\n")
                reply = probe.recv(64)
        except OSError:
            return False
        return reply.startswith((b"+PONG", b"-NOAUTH"))

    def kill(self) -> None:
        """End it at once, as a machine that loses its power does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it take connections, and answer nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self._process
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has been started and not ended."""
        return self._process is not None

    def log(self) -> str:
        """What it said."""
        with (self.directory / "log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 20_000))
            return file.read().decode(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process:
            self._signal(signal.SIGCONT)
            self._signal(number)
            self._process.wait(10)
            self._process = None


def server(directory: Path, port: int, *options: str) -> Node:
    """A server with time series and an append-only file; not started yet."""
    files = find_server()
    directory.mkdir()
    command = [
        *(str(files.binary), "--port", str(port), "--bind", HOST, "--dir", str(directory)),
        *("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
        *("--repl-diskless-sync-delay", "0", "--repl-timeout", "5"),
        *("--loadmodule", str(files.module), *options),
    ]
    return Node(directory, port, command)


def sentinel(directory: Path, port: int, configuration: str) -> Node:
    """A sentinel, which keeps what it learns in the file of its configuration."""
    directory.mkdir()
    file = directory / "sentinel.conf"
    file.write_text(f"port {port}\nbind {HOST}\ndir {directory}\n{configuration}")
    return Node(directory, port, [str(find_server().binary), str(file), "--sentinel"])


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; the same for the bus of a cluster's nodes."""
    held = []
    try:
        for _ in range(count):
            held.append(socket.socket())
            held[-1].bind((HOST, 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()

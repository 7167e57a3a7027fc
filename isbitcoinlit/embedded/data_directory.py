"""The directory of the embedded Redis: its files, and who may use them."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import NamedTuple
from urllib.parse import quote

from isbitcoinlit.errors import DataDirectoryInUse, EmbeddedRedisError

if sys.platform != "win32":
    import fcntl

SERVICE = "serve"
"""The role that keeps a directory; every other role is a command that ends by itself."""
COMMAND_SECONDS = 10.0
"""How long a command such as `doctor` may keep a directory that somebody else waits for."""
SAVING_SECONDS = 10.0
"""How long a server without its service may take to save and end; 0.1 s is usual."""
_LOOK_SECONDS = 0.25
"""Another process that looks at the lock holds it for an instant; a service holds it longer."""
_POLL_SECONDS = 0.02
_SOCKET_PATH_BYTES = 108
"""The size of sun_path in <linux/un.h>, its final zero included."""


class Holder(NamedTuple):
    """The process that uses a directory."""

    role: str
    pid: int


_NOBODY = Holder("?", 0)


class FileLock:
    """A lock on a file, kept until it is released here and in all processes that inherited it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def fileno(self) -> int:
        """The descriptor to hand on to a child process."""
        if self._descriptor is None:
            raise ValueError(f"{self._path} is not locked")
        return self._descriptor

    def write(self, text: str) -> None:
        """Replace what the locked file says."""
        os.ftruncate(self.fileno(), 0)
        os.pwrite(self.fileno(), text.encode(), 0)

    def release(self) -> None:
        """Let go of the lock, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class DataDirectory:
    """The files of one embedded Redis.

    `service.lock` is held by the process that uses the directory, and says which it is.
    `redis.lock` is inherited by its server, so that it stays held until the last byte is saved.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.socket = self.path / "redis.sock"
        self.log = self.path / "redis.log"
        self.redis_lock = FileLock(self.path / "redis.lock")
        self._service_lock_path = self.path / "service.lock"
        self._service_lock = FileLock(self._service_lock_path)

    @property
    def url(self) -> str:
        """The address of the server's socket."""
        return f"unix://{quote(os.fsencode(self.socket))}"

    def claim(self, role: str, stopping: Event) -> None:
        """Become the one process that uses the directory, creating it if need be.

        Waits for a command and for a server that are about to end, but not once `stopping` is set.
        """
        if len(os.fsencode(self.socket)) >= _SOCKET_PATH_BYTES:
            raise EmbeddedRedisError(
                f"The path {self.socket} is too long for a socket: set ISBITCOINLIT_DATA_DIR to a "
                f"directory whose path has at most {_SOCKET_PATH_BYTES - 12} bytes."
            )
        with self._usable():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._wait_for_other_process(stopping)
            self._service_lock.write(f"{role} {os.getpid()}")
            self._wait_for_other_server(stopping)

    def release(self) -> None:
        """Let others use the directory."""
        self.redis_lock.release()
        self._service_lock.release()

    def holder(self) -> Holder | None:
        """The process that uses the directory now, if any."""
        with self._usable():
            try:
                descriptor = os.open(self._service_lock_path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _parse_holder(os.pread(descriptor, 100, 0))
            finally:
                os.close(descriptor)
        return None

    def _wait_for_other_process(self, stopping: Event) -> None:
        began = time.monotonic()
        while not self._service_lock.acquire():
            holder = self.holder() or _NOBODY
            patience = _LOOK_SECONDS if holder.role == SERVICE else COMMAND_SECONDS
            if stopping.wait(_POLL_SECONDS) or time.monotonic() - began > patience:
                raise DataDirectoryInUse(
                    f"{self.path} is in use by `isbitcoinlit {holder.role}`, process {holder.pid}: "
                    "stop that one, or set ISBITCOINLIT_DATA_DIR to another directory."
                )

    def _wait_for_other_server(self, stopping: Event) -> None:
        began = time.monotonic()
        while not self.redis_lock.acquire():
            if stopping.wait(_POLL_SECONDS) or time.monotonic() - began > SAVING_SECONDS:
                raise EmbeddedRedisError(
                    f"A Redis that lost its service still runs in {self.path} after "
                    f"{SAVING_SECONDS:.0f} s: stop that `redis-server`, then start again."
                )

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise EmbeddedRedisError(
                f"The data directory {self.path} cannot be used ({error}): set "
                "ISBITCOINLIT_DATA_DIR to a directory that this user can write to."
            ) from error


def _parse_holder(text: bytes) -> Holder:
    """Read who holds a lock; the text is empty for the instant in which its holder writes it."""
    role, _, pid = text.decode(errors="replace").partition(" ")
    return Holder(role, int(pid)) if pid.isdigit() else _NOBODY

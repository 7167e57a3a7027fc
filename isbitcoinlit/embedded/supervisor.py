"""Keeps one embedded Redis server running until it is told to stop."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from socket import AF_UNIX, socket

from isbitcoinlit.embedded.data_directory import DataDirectory
from isbitcoinlit.errors import EmbeddedRedisError
from isbitcoinlit.log import get_logger

START_SECONDS = 60.0
"""An empty server answers after 20 to 60 ms; ten million samples take seconds to load."""
STOP_SECONDS = 1.0
"""Saving takes 0.1 s; the service as a whole should end within 2 s."""
_POLL_SECONDS = 0.005
_ANSWER_SECONDS = 1.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_LAUNCHER = Path(__file__).with_name("launcher.py")
_LOG_LINES = 5


class Supervisor:
    """One thread that starts the server, waits for its end, and starts it again.

    It has to be one thread: the kernel ends the server when the thread that started it ends.
    """

    def __init__(
        self, command: Sequence[str], directory: DataDirectory, stopping: threading.Event
    ) -> None:
        self._command = command
        self._directory = directory
        self._stopping = stopping
        self._thread = threading.Thread(target=self._run, name="redis-supervisor", daemon=True)
        self._answered = False
        self._settled = threading.Event()
        """Set when the first start has succeeded, failed or been given up."""
        self._process: subprocess.Popen[bytes] | None = None
        self._spawning = threading.Lock()
        """Held while `_process` changes, so that `stop` misses no server."""

    def start(self) -> None:
        """Start the server and wait until it has loaded its data and answers."""
        self._thread.start()
        settled = self._settled.wait(START_SECONDS)
        if not self._answered:
            problem = "ended before it answered" if settled else "takes too long to answer"
            raise EmbeddedRedisError(
                f"The embedded Redis {problem}; the end of {self._directory.log}:\n"
                f"{_tail(self._directory.log)}"
            )

    def stop(self) -> None:
        """Let the server save its data and end; kill it if that takes too long."""
        if self._thread.ident is None:
            return
        with self._spawning:
            self._stopping.set()
            process = self._process
        try:
            if process is not None:
                process.terminate()
            self._thread.join(STOP_SECONDS)
        finally:
            if process is not None and self._thread.is_alive():
                process.kill()
                self._thread.join()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                status: int | str = self._one_life()
            except OSError as error:
                status = str(error)
            if self._stopping.is_set() or not self._answered:
                break
            if time.monotonic() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            get_logger().error("redis-died", exit_status=status, restart_in=pause)
            self._stopping.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        self._settled.set()

    def _one_life(self) -> int:
        """Run the server once, from its start to its end; return its exit status."""
        with self._spawning:
            if self._stopping.is_set():
                return 0
            process = self._process = self._spawn()
        while process.poll() is None and not self._stopping.is_set():
            if answers(self._directory.socket):
                get_logger().info("redis-started", pid=process.pid)
                self._answered = True
                break
            self._stopping.wait(_POLL_SECONDS)
        if self._answered or self._stopping.is_set():
            self._settled.set()
        return process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        log = self._directory.log
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid())]
        # What the dynamic linker and the launcher say goes where the server writes.
        with log.open("ab") as output:
            return subprocess.Popen(
                [*launcher, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._directory.path,
                pass_fds=[self._directory.redis_lock.fileno()],
                # Ctrl-C in the terminal is for the service, which then stops the server.
                start_new_session=True,
            )


def answers(path: Path) -> bool:
    """Whether a server that has loaded its data listens on the socket."""
    with socket(AF_UNIX) as probe:
        probe.settimeout(_ANSWER_SECONDS)
        try:
            probe.connect(os.fsencode(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError as error:
        return str(error)
    return "\n".join(lines[-_LOG_LINES:])

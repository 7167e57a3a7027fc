"""Who may use a data directory, and when."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from isbitcoinlit.embedded import data_directory
from isbitcoinlit.embedded.data_directory import DataDirectory, FileLock, Holder
from isbitcoinlit.embedded.server import EmbeddedRedis
from isbitcoinlit.errors import DataDirectoryInUse, EmbeddedRedisError
from tests.waiting import until


def claim(data_dir: Path, role: str) -> DataDirectory:
    """Make this process the one that uses a directory."""
    directory = DataDirectory(data_dir)
    directory.claim(role, Event())
    return directory


def begin(work: Callable[[], object]) -> Thread:
    """Begin something that has to wait, and come back when it does."""
    thread = Thread(target=work)
    thread.start()
    assert not until(lambda: not thread.is_alive(), 0.1)
    return thread


def test_names_its_holder(data_dir: Path) -> None:
    """Others can see which command uses a directory, for as long as it does."""
    directory = claim(data_dir, "doctor")
    assert DataDirectory(data_dir).holder() == Holder("doctor", os.getpid())
    directory.release()
    assert DataDirectory(data_dir).holder() is None


def test_waits_for_a_command(data_dir: Path) -> None:
    """A service that starts while a command has the directory takes it over afterwards."""
    command = claim(data_dir, "doctor")
    service = DataDirectory(data_dir)
    waiting = begin(lambda: service.claim("serve", Event()))
    command.release()
    waiting.join()
    assert service.holder() == Holder("serve", os.getpid())
    service.release()


def test_does_not_wait_for_a_command_for_ever(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that does not end is named."""
    monkeypatch.setattr(data_directory, "COMMAND_SECONDS", 0.05)
    command = claim(data_dir, "doctor")
    with pytest.raises(DataDirectoryInUse, match="in use by `isbitcoinlit doctor`"):
        claim(data_dir, "serve")
    command.release()


def test_waits_for_a_server_that_still_saves(data_dir: Path) -> None:
    """The files are not opened again before the server of a killed service has closed them."""
    data_dir.mkdir()
    saving = FileLock(data_dir / "redis.lock")
    assert saving.acquire()
    service = DataDirectory(data_dir)
    waiting = begin(lambda: service.claim("serve", Event()))
    saving.release()
    waiting.join()
    service.release()


def test_does_not_wait_for_a_server_for_ever(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not end is the operator's to stop."""
    monkeypatch.setattr(data_directory, "SAVING_SECONDS", 0.05)
    data_dir.mkdir()
    stuck = FileLock(data_dir / "redis.lock")
    assert stuck.acquire()
    with pytest.raises(EmbeddedRedisError, match="stop that `redis-server`"):
        EmbeddedRedis(data_dir, "serve").start()
    stuck.release()
    with EmbeddedRedis(data_dir, "serve"):
        pass


def test_stop_ends_the_waiting(data_dir: Path) -> None:
    """A service that is stopped while it waits for the directory gives up at once."""
    command = claim(data_dir, "doctor")
    service = EmbeddedRedis(data_dir, "serve")

    def start() -> None:
        with pytest.raises(DataDirectoryInUse):
            service.start()

    waiting = begin(start)
    service.stop()
    waiting.join()
    command.release()


def test_files_of_a_killed_service_are_no_obstacle(data_dir: Path) -> None:
    """Locks that nobody holds and a socket that nobody listens on are taken over."""
    data_dir.mkdir()
    (data_dir / "service.lock").write_text("serve 1")
    (data_dir / "redis.lock").touch()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(data_dir / "redis.sock"))
    with EmbeddedRedis(data_dir, "serve") as server:
        assert server.url == f"unix://{data_dir}/redis.sock"


def test_refuses_a_path_too_long_for_a_socket(data_dir: Path) -> None:
    """The sentence names the setting and how long a path may be."""
    room = 96 - len(os.fsencode(data_dir)) - 1
    with EmbeddedRedis(data_dir / ("x" * room), "serve"):
        pass
    with pytest.raises(EmbeddedRedisError, match=r"set ISBITCOINLIT_DATA_DIR .* at most 96 bytes"):
        EmbeddedRedis(data_dir / ("x" * (room + 1)), "serve").start()


def test_refuses_a_path_that_is_no_directory(data_dir: Path) -> None:
    """What the system says about the directory is part of the sentence."""
    data_dir.touch()
    with pytest.raises(EmbeddedRedisError, match=r"cannot be used .*set ISBITCOINLIT_DATA_DIR"):
        EmbeddedRedis(data_dir, "serve").start()


def test_any_path_makes_an_address(data_dir: Path) -> None:
    """Characters that mean something in a URL are quoted."""
    assert DataDirectory(Path("/a b/%?#")).url == "unix:///a%20b/%25%3F%23/redis.sock"
    with EmbeddedRedis(data_dir / "a b%?#'é", "serve"):
        pass

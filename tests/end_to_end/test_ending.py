"""The service ends soon and leaves nothing behind, whatever it is doing."""

import fcntl
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.senticrypt import SentiCryptServer
from tests.end_to_end.service import Service, service, start
from tests.own_redis import own_redis
from tests.waiting import runs, until


def ends_within(running: Service, number: signal.Signals, seconds: float) -> bool:
    """Whether it ends so soon after a signal."""
    began = time.monotonic()
    running.stop(number)
    return time.monotonic() - began < seconds


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_it_starts(data_dir: Path, number: signal.Signals) -> None:
    """A signal right after its Redis has started ends both, without a traceback."""
    starting = start(data_dir=data_dir, feed="demo")
    try:
        assert until(lambda: bool(starting.events("redis-started")), 20)
        assert ends_within(starting, number, 2)
        assert until(lambda: not runs(starting.redis_pid()), 2)
    finally:
        starting.end()
    assert not [line for line in starting.log if "Traceback" in line]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_it_waits_for_its_redis(number: signal.Signals) -> None:
    """A signal ends a start that a Redis which answers nothing holds up."""
    with own_redis() as server:
        server.freeze()
        starting = start(redis_url=server.url, feed="demo")
        try:
            assert until(lambda: any("Started server" in line for line in starting.log), 20)
            # Not heeded, it would take from 5 s on; a busy machine may need more than 2.
            assert ends_within(starting, number, 4)
        finally:
            starting.end()
    assert not [line for line in [*starting.log, *starting.output] if "Traceback" in line]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_it_waits_for_its_directory(data_dir: Path, number: signal.Signals) -> None:
    """A signal ends a start that waits for the Redis of a service that is gone."""
    data_dir.mkdir()
    with (data_dir / "redis.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting = start(data_dir=data_dir, feed="demo")
        try:
            assert until(lambda: any("Started server" in line for line in starting.log), 20)
            # Not heeded, it would take from 5 s on; a busy machine may need more than 2.
            assert ends_within(starting, number, 4)
        finally:
            starting.end()
    assert not [line for line in [*starting.log, *starting.output] if "Traceback" in line]


def test_while_it_refreshes(redis_url: str, key_prefix: str, senticrypt: SentiCryptServer) -> None:
    """A refresh whose upstream does not answer is given up."""
    senticrypt.send([{"timestamp": time.time() - 5, "btc_price": "34000.5", "mean": 0.1}])
    with service(
        redis_url=redis_url,
        key_prefix=key_prefix,
        senticrypt_url=senticrypt.url,
        refresh_interval=0.2,
    ) as running:
        before = senticrypt.requests
        senticrypt.delay = 4
        assert until(lambda: senticrypt.requests > before)
        assert ends_within(running, signal.SIGTERM, 2)
    assert not [line for line in running.log if "Traceback" in line]


def test_while_its_redis_hangs() -> None:
    """A Redis that answers nothing does not hold up the end."""
    with (
        own_redis() as server,
        service(redis_url=server.url, feed="demo", refresh_interval=0.2) as running,
    ):
        server.freeze()
        time.sleep(0.3)  # Until a refresh is in the middle of it.
        assert ends_within(running, signal.SIGTERM, 2)


def test_while_a_client_keeps_its_connection(redis_url: str, key_prefix: str) -> None:
    """Open connections of clients do not hold up the end."""
    with (
        service(redis_url=redis_url, key_prefix=key_prefix, feed="demo") as running,
        httpx.Client(base_url=running.url) as client,
    ):
        assert client.get("/is-bitcoin-lit").status_code == 200
        assert ends_within(running, signal.SIGTERM, 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_while_streams_are_open(redis_url: str, key_prefix: str, workers: int) -> None:
    """Fifty open streams end at once and in good order when the service does."""
    with (
        service(
            redis_url=redis_url,
            key_prefix=key_prefix,
            feed="demo",
            workers=workers,
            max_streams_per_client=50,
        ) as running,
        ExitStack() as stack,
    ):
        streams = [
            stack.enter_context(httpx.stream("GET", f"{running.url}/api/v1/stream", timeout=30))
            for _ in range(50)
        ]
        lines = [stream.iter_lines() for stream in streams]
        first = [next(each) for each in lines]
        assert [line for line in first if not line.startswith("retry: ")] == []
        assert ends_within(running, signal.SIGTERM, 2)
        assert all(list(each) for each in lines), "an end in the middle would be an error"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_with_workers(data_dir: Path, number: signal.Signals) -> None:
    """Several processes end as soon as one, and say nothing alarming."""
    with service(data_dir=data_dir, feed="demo", workers=2) as running:
        # One of them may be asked while the other still does the very first refresh.
        assert until(lambda: running.get().status_code == 200, 10)
        redis = running.redis_pid()
        assert ends_within(running, number, 2.5)
        assert not runs(redis)
    assert not [line for line in running.log if "Traceback" in line]


def test_no_password_is_ever_shown() -> None:
    """Neither log nor answers hold the password of Redis, working, wrong or away."""
    with own_redis(password="hunter2") as server:
        url = server.url.replace("unix://", "unix://:hunter2@")
        with service(redis_url=url, feed="demo", refresh_interval=0.2) as running:
            assert running.get().status_code == 200
            server.stop()
            texts = [running.refresh().text, running.get("/health/ready").text]
            assert until(lambda: bool(running.events("redis-failing")))
        server.start()
        wrong = server.url.replace("unix://", "unix://:hunter3@")
        with service(redis_url=wrong, feed="demo") as refused:
            texts += [refused.refresh().text, refused.get().text]
            assert "redis-unavailable" in texts[-1]
    said = "\n".join([*running.log, *running.output, *refused.log, *refused.output, *texts])
    assert "hunter" not in said

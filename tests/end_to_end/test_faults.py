"""Redis dies, hangs and comes back under a running service."""

import os
import signal
import time
from pathlib import Path

import httpx

from isbitcoinlit.embedded.server import EmbeddedRedis
from tests.end_to_end.senticrypt import SentiCryptServer
from tests.end_to_end.service import Service, service
from tests.waiting import until


def is_stale(running: Service) -> bool:
    """Whether a poll is answered, and says that it could not be checked."""
    answer = running.get()
    return answer.headers.get("x-cache") == "stale" and answer.json()["stale"] is True


def is_fresh(running: Service) -> bool:
    """Whether a poll is answered, and not marked stale."""
    answer = running.get()
    return answer.status_code == 200 and answer.json()["stale"] is False


def test_redis_away_and_back(data_dir: Path, tmp_path: Path) -> None:
    """Without Redis polls get the last snapshot marked stale and refreshes a problem; all heals."""
    del tmp_path
    with EmbeddedRedis(data_dir, "test") as server:
        started = service(redis_url=server.url, feed="demo", refresh_interval=3600)
        running = started.__enter__()
    try:
        assert until(lambda: is_stale(running))
        refused = running.refresh()
        assert refused.status_code == 503
        assert refused.json()["type"].endswith("redis-unavailable")
        ready = running.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        with EmbeddedRedis(data_dir, "test"):
            assert until(lambda: is_fresh(running))
            assert running.refresh().status_code == 200
            assert until(lambda: running.get("/health/ready").json()["status"] == "ok")
            assert len(running.events("subscription-lost")) == 1
    finally:
        started.__exit__(None, None, None)


def test_embedded_redis_killed(data_dir: Path) -> None:
    """The embedded Redis is started again when it is killed, with its data, and polls go on."""
    with service(data_dir=data_dir, feed="demo", refresh_interval=3600) as running:
        before = running.get().json()
        victim = running.redis_pid()
        os.kill(victim, signal.SIGKILL)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and running.redis_pid() == victim:
            assert running.get().status_code == 200
        assert until(lambda: running.redis_pid() != victim)
        assert until(lambda: is_fresh(running))
        assert (
            running.get().json()["hourly_average_of_averages"][0]
            == (before["hourly_average_of_averages"][0])
        )
        report = running.refresh().json()
        assert report["already_stored"] >= 2_870


def test_redis_hangs(data_dir: Path) -> None:
    """A Redis that is stopped in its tracks holds up nobody who polls for long."""
    with service(data_dir=data_dir, feed="demo", refresh_interval=3600, snapshot_ttl=1) as running:
        stopped = running.redis_pid()
        os.kill(stopped, signal.SIGSTOP)
        try:
            assert until(lambda: is_stale(running), 15)
            slowest = max(httpx.get(f"{running.url}/is-bitcoin-lit").elapsed for _ in range(5))
            assert slowest.total_seconds() < 5
        finally:
            os.kill(stopped, signal.SIGCONT)
        assert until(lambda: is_fresh(running), 15)


def test_redis_away_at_start(senticrypt: SentiCryptServer, data_dir: Path) -> None:
    """A service that starts before its Redis answers with problems until Redis comes."""
    senticrypt.send([{"timestamp": time.time() - 5, "btc_price": "34000.5", "mean": 0.1}])
    data_dir.mkdir()
    url = EmbeddedRedis(data_dir, "test").url
    with service(redis_url=url, senticrypt_url=senticrypt.url, refresh_interval=0.2) as running:
        answer = running.get()
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("redis-unavailable")
        assert running.get("/health/ready").status_code == 503
        assert running.get("/health/live").status_code == 200
        with EmbeddedRedis(data_dir, "test"):
            assert until(lambda: is_fresh(running), 10)
        assert len(running.events("redis-failing")) <= 2

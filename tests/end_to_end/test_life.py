"""How a service starts, ends, and shares a data directory."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.end_to_end.service import service, start
from tests.waiting import runs, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_at_a_signal(data_dir: Path, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end service and embedded Redis in under two seconds."""
    with service(data_dir=data_dir, feed="demo") as running:
        redis = running.redis_pid()
        began = time.monotonic()
        running.stop(number)
        assert time.monotonic() - began < 2
        assert not runs(redis)


def test_killed(data_dir: Path) -> None:
    """Killed with -9 it leaves no Redis behind, and the next start has the data."""
    with service(data_dir=data_dir, feed="demo") as running:
        redis = running.redis_pid()
        added = running.refresh().json()["already_stored"]
        running.process.kill()
        assert until(lambda: not runs(redis), 2)
    with service(data_dir=data_dir, feed="demo", refresh_interval=3600) as again:
        assert again.refresh().json()["already_stored"] >= added - 1


def test_second_service_is_refused(data_dir: Path) -> None:
    """A second service on the same data directory says so, and starts no second server."""
    with service(data_dir=data_dir, feed="demo"):
        second = start(data_dir=data_dir, feed="demo")
        try:
            assert second.process.wait(10) == 1
        finally:
            second.end()
        assert any(str(data_dir) in line for line in second.log)
        assert not second.events("redis-started")


def test_port_in_use(data_dir: Path) -> None:
    """A port that somebody has is refused with a sentence that says how to choose another."""
    with service(data_dir=data_dir, feed="demo") as running:
        second = start(data_dir=data_dir / "other", port=running.url.rpartition(":")[2])
        try:
            assert second.process.wait(10) == 1
        finally:
            second.end()
        assert any("ISBITCOINLIT_PORT" in line for line in second.log)


def test_wrong_setting_refuses_to_start() -> None:
    """A wrong setting is one sentence and exit status 1, without a traceback."""
    refused = start(refresh_interval="often")
    try:
        assert refused.process.wait(10) == 1
    finally:
        refused.end()
    assert len(refused.log) == 1
    assert "ISBITCOINLIT_REFRESH_INTERVAL" in refused.log[0]


def test_workers_share_the_work(data_dir: Path) -> None:
    """Two workers answer on one port, and both end with the process that started them."""
    with service(data_dir=data_dir, feed="demo", workers=2) as running:
        assert until(lambda: running.get().status_code == 200, 10)
        workers = [int(pid) for pid in _children(running.process.pid)]
        running.process.kill()
        running.process.wait()
        assert len(workers) >= 2
        assert until(lambda: not any(map(runs, workers)))


def test_dead_worker_is_replaced(data_dir: Path) -> None:
    """A worker that dies is started again, and polls are answered throughout."""
    with service(data_dir=data_dir, feed="demo", workers=2) as running:
        assert until(lambda: running.get().status_code == 200, 10)
        victim = max(_children(running.process.pid))
        os.kill(victim, signal.SIGKILL)
        assert until(lambda: bool(running.events("worker-died")))
        assert running.get().status_code == 200
        assert until(lambda: max(_children(running.process.pid)) > victim, 10)
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 3


def _children(pid: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]

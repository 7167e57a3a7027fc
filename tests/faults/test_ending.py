"""A service ends as quickly as ever when all of its Redis is gone, and begins without it."""

import signal
import time

from tests.end_to_end.service import run, service
from tests.faults.rigs import of_shape
from tests.waiting import until


def test_the_end_does_not_wait_for_redis() -> None:
    """SIGTERM ends a service in the middle of waiting for a primary, within three seconds."""
    with of_shape("sentinel") as rig:
        settings = {"redis_url": rig.url, "feed": "demo", "refresh_interval": 0.5}
        with service(**settings) as running:
            assert running.get().status_code == 200
            for node in rig.servers:
                node.freeze()
            for node in rig.sentinels:
                node.kill()
            assert until(lambda: bool(running.events("subscription-lost")), 10)
            assert running.get().status_code == 200
            began = time.monotonic()
            running.stop(signal.SIGTERM)
            assert time.monotonic() - began < 3


def test_a_service_begins_without_its_redis() -> None:
    """A service that starts while nobody knows a primary is ready when there is one."""
    with of_shape("sentinel") as rig:
        for node in rig.sentinels:
            node.kill()
        with service(redis_url=rig.url, feed="demo", refresh_interval=0.5) as running:
            assert running.get("/health/live").status_code == 200
            for node in rig.sentinels:
                node.start()
            assert until(lambda: running.get().status_code == 200, 10)


def test_refresh_from_the_command_line() -> None:
    """`isbitcoinlit refresh` works on a Cluster, and says in a sentence when there is none."""
    with of_shape("cluster") as rig:
        done = run("refresh", redis_url=rig.url, feed="demo")
        assert '"added"' in done.stdout
        for node in rig.servers:
            node.kill()
        failed = run("refresh", redis_url=rig.url, feed="demo")

    assert failed.returncode == 1
    assert "Redis cannot be reached" in failed.stderr
    assert "Traceback" not in failed.stderr

"""Operators and limits over several processes, from the command line and over HTTP."""

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.service import COMMAND, Service, run, service
from tests.own_redis import own_redis
from tests.waiting import until

PASSWORD = "a good long password"
CREDENTIALS = {"username": "alice", "password": PASSWORD}


def command(*arguments: str, said: str = "", **settings: Any) -> str:
    """Run a command that succeeds, answering its questions; return what it printed."""
    ours = {f"ISBITCOINLIT_{name.upper()}": str(value) for name, value in settings.items()}
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, "PYTHONPATH": root, "COLUMNS": "200", **ours},
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def counted(running: Service) -> float:
    """Return how many polls the service says it has answered."""
    families = text_string_to_metric_families(running.get("/metrics").text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "isbitcoinlit_requests_total" and sample.labels["group"] == "snapshot"
    )


def test_two_processes_share_a_limit(redis_url: str, key_prefix: str) -> None:
    """A budget used up at one process is refused by the other within a settling interval."""
    settings = {
        "redis_url": redis_url,
        "key_prefix": key_prefix,
        "feed": "demo",
        "limit_snapshot": "50/hour",
    }
    with service(**settings) as a, service(**settings) as b:
        statuses = [a.get().status_code for _ in range(51)]
        assert statuses == [200] * 50 + [429]
        assert until(lambda: b.get().status_code == 429)
        assert b.get().headers["x-ratelimit-remaining"] == "0"


def test_limits_without_redis(key_prefix: str) -> None:
    """When Redis goes away, limits hold from memory, nothing fails, and a metric says so."""
    with own_redis() as redis:
        settings = {"redis_url": redis.url, "key_prefix": key_prefix, "feed": "demo"}
        with service(**settings, limit_snapshot="50/hour") as running:
            assert running.get().status_code == 200
            redis.stop()
            statuses = {running.get().status_code for _ in range(60)}
            assert statuses == {200, 429}
            assert until(lambda: "limits-not-shared" in "\n".join(running.log))
            text = running.get("/metrics").text
            assert "isbitcoinlit_limiter_fallbacks_total 0.0" not in text
            login = httpx.post(f"{running.url}/api/v1/auth/login", json=CREDENTIALS)
            assert login.status_code == 503
            redis.start()
            assert until(lambda: "limits-shared-again" in "\n".join(running.log), 15)


def test_workers_add_up(redis_url: str, key_prefix: str) -> None:
    """A scrape through any worker has the polls of all of them."""
    settings = {"redis_url": redis_url, "key_prefix": key_prefix, "feed": "demo"}
    with service(**settings, workers=2) as running:
        for _ in range(40):  # each on a connection of its own, so that both workers get some
            assert running.get().status_code == 200
        assert until(lambda: counted(running) == 40)


def test_operators_from_the_command_line(data_dir: Path) -> None:
    """Operators are added, listed, given another password and removed while the service runs."""
    given: dict[str, Any] = {"data_dir": data_dir, "feed": "demo"}
    with service(**given, refresh_interval=3_600) as running:
        assert running.refresh().status_code == 200
        command("operator", "add", "alice", said=f"{PASSWORD}\n", **given)
        assert running.refresh().status_code == 401
        login = f"{running.url}/api/v1/auth/login"
        assert httpx.post(login, json=CREDENTIALS).status_code == 200
        assert "alice" in command("operator", "list", **given)
        command("operator", "passwd", "alice", said="another long password\n", **given)
        assert httpx.post(login, json=CREDENTIALS).status_code == 401
        command("operator", "remove", "alice", **given)
        assert running.refresh().status_code == 200
        audit = command("audit", **given)
    for words in ("add-operator alice", "change-password alice", "remove-operator alice", "failed"):
        assert words in audit


def test_key_rotation_ends_sessions(data_dir: Path) -> None:
    """After `operator rotate-key` a running service believes no token that it gave before."""
    given: dict[str, Any] = {"data_dir": data_dir, "feed": "demo"}
    with service(**given) as running:
        command("operator", "add", "alice", said=f"{PASSWORD}\n", **given)
        tokens = httpx.post(f"{running.url}/api/v1/auth/login", json=CREDENTIALS).json()
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert running.get("/api/v1/auth/session", headers=headers).status_code == 200
        command("operator", "rotate-key", **given)
        assert running.get("/api/v1/auth/session", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("arguments", "said", "sentence"),
    [
        (("operator", "add", "alice"), "short\n", "12 to 256 characters"),
        (("operator", "add", "no name"), f"{PASSWORD}\n", "begins with a letter"),
        (("operator", "remove", "nobody"), "", "no operator nobody"),
        (("operator", "passwd", "nobody"), "", "no operator nobody"),
        (("refresh", "--url", "http://127.0.0.1:1"), "", "cannot be reached"),
        (("refresh", "--url", "nonsense"), "", "cannot be reached"),
    ],
)
def test_mistakes_are_told(
    redis_url: str, key_prefix: str, arguments: tuple[str, ...], said: str, sentence: str
) -> None:
    """What cannot be done is one sentence, and exit status 1."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ISBITCOINLIT_REDIS_URL": redis_url,
            "ISBITCOINLIT_KEY_PREFIX": key_prefix,
            "ISBITCOINLIT_FEED": "demo",
        },
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_refresh_from_elsewhere(data_dir: Path, tmp_path: Path) -> None:
    """`refresh --url` asks once for the password; its tokens are in a file nobody else reads."""
    given: dict[str, Any] = {"data_dir": data_dir, "feed": "demo"}
    config = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    with service(**given, refresh_interval=3_600) as running:
        assert '"fetched": 2880' in command("refresh", "--url", running.url)
        command("operator", "add", "alice", said=f"{PASSWORD}\n", **given)
        for said in (f"alice\n{PASSWORD}\n", ""):
            done = subprocess.run(
                [*COMMAND, "refresh", "--url", running.url],
                env={**config, "PYTHONPATH": str(Path(__file__).parents[2])},
                input=said,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert '"fetched": 2880' in done.stdout, done.stderr
    kept = tmp_path / "isbitcoinlit" / "tokens.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert PASSWORD not in kept.read_text()


def test_a_stop_is_quick_and_loses_nothing(redis_url: str, key_prefix: str) -> None:
    """What was counted just before a stop is there after the next start."""
    settings = {"redis_url": redis_url, "key_prefix": key_prefix, "feed": "demo", "port": 0}
    with service(**settings) as running:
        for _ in range(5):
            running.get()
        running.stop()
    with service(**settings) as running:
        assert counted(running) == 5


def test_no_settings_no_operator() -> None:
    """The commands say what is wrong with the settings instead of doing half of it."""
    done = run("operator", "list", redis_url="nonsense")
    assert done.returncode == 1
    assert "redis://" in done.stderr

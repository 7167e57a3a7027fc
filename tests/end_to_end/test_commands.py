"""The other commands of the command line."""

import json
from pathlib import Path

from tests.end_to_end.senticrypt import senticrypt_server
from tests.end_to_end.service import run, service
from tests.own_redis import own_redis


def test_refresh_prints_its_report(data_dir: Path) -> None:
    """`refresh` starts a Redis for itself, and prints what `POST /refresh` answers."""
    done = run("refresh", data_dir=data_dir, feed="demo")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["feed"], report["added"]) == ("demo", 2880)
    assert report["snapshot"]["feed"] == "demo"


def test_refresh_joins_the_running_service(data_dir: Path) -> None:
    """`refresh` on a running service's data directory uses its Redis."""
    with service(data_dir=data_dir, feed="demo", refresh_interval=3600):
        done = run("refresh", data_dir=data_dir, feed="demo")
    assert json.loads(done.stdout)["already_stored"] >= 2_870


def test_doctor_finds_nothing_wrong(data_dir: Path) -> None:
    """`doctor` beside a running service finds all in order, and says so by its status."""
    with service(data_dir=data_dir, feed="demo"):
        done = run("doctor", data_dir=data_dir, feed="demo")
    assert done.returncode == 0, done.stdout
    for words in ("version 7.4", "module version 1.12", "2880 price", "clock", "feed demo"):
        assert words in done.stdout
    assert "wrong" not in done.stdout


def test_doctor_on_an_empty_directory(data_dir: Path) -> None:
    """`doctor` before the first refresh says what to do, with exit status 1."""
    done = run("doctor", data_dir=data_dir, feed="demo")
    assert done.returncode == 1
    assert "none yet" in done.stdout
    assert "isbitcoinlit refresh" in done.stdout


def test_doctor_without_redis_or_feed() -> None:
    """`doctor` names all that does not answer, and what to do; it shows no password."""
    done = run(
        "doctor",
        redis_url="redis://user:hunter2@127.0.0.1:1/0",
        senticrypt_url="http://127.0.0.1:1/v1/bitcoin.json",
    )
    assert done.returncode == 1
    assert done.stdout.count("wrong") >= 2
    assert "is the address in ISBITCOINLIT_REDIS_URL right?" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_doctor_finds_old_data(redis_url: str, key_prefix: str) -> None:
    """`doctor` says that data are old, how old, and what to do, with exit status 1."""
    with senticrypt_server() as server:
        server.send([{"timestamp": 1_625_592_626.5, "btc_price": "33885.23", "mean": 0.2}])
        settings = {"redis_url": redis_url, "key_prefix": key_prefix, "senticrypt_url": server.url}
        assert run("refresh", **settings).returncode == 0
        done = run("doctor", **settings)
    assert done.returncode == 1
    assert done.stdout.count("wrong") == 2
    assert "2021-07-06T17:30:26+00:00" in done.stdout
    assert "choose another feed" in done.stdout


def test_redis_without_time_series_is_refused() -> None:
    """A Redis without TS.* is refused at start, with what to run instead."""
    with own_redis(time_series=False) as server:
        done = run("serve", redis_url=server.url, feed="demo", port=0)
    assert done.returncode == 1
    assert "docker compose" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_the_settings() -> None:
    """`serve --help` says which variable stands behind each option."""
    done = run("serve", "--help")
    for name in ("FEED", "PORT", "REDIS_URL", "DATA_DIR"):
        assert f"ISBITCOINLIT_{name}" in done.stdout

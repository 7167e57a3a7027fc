"""Fixtures, as a chain: a Redis of our own, its address, a prefix per test, settings."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from isbitcoinlit.embedded.server import EmbeddedRedis
from isbitcoinlit.redis_client import connect
from isbitcoinlit.resources import Resources
from isbitcoinlit.settings import PREFIX, Settings
from tests.assembly import process
from tests.faults.rigs import SHAPES, of_shape
from tests.manual_clock import ManualClock
from tests.readings import GivenFeed, readings


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The event loop that the service runs on."""
    return "asyncio", {}


@pytest.fixture(autouse=True)
def _nobody_elses_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable, `.env` or data directory of whoever runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith(PREFIX) or name == "REDIS_URL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the same tests run on every shape of Redis, and those of faults only when asked for."""
    parser.addoption("--redis", choices=["embedded", *SHAPES], default="embedded")
    parser.addoption("--faults", action="store_true")
    parser.addoption("--soak", default=120, help="seconds that the memory is looked at")
    parser.addoption("--report", action="store_true", help="write docs/reliability.md")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out `tests/faults`, which has a step of its own: scripts/test-faults."""
    ours = collection_path == Path(__file__).parent / "faults"
    return True if ours and not config.getoption("--faults") else None


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a real Redis Stack that this process of tests has to itself."""
    shape = request.config.getoption("--redis")
    if shape in SHAPES:
        with of_shape(shape) as rig:
            yield rig.url
        return
    with (
        TemporaryDirectory(prefix="isbitcoinlit-") as directory,
        EmbeddedRedis(Path(directory), "tests") as server,
    ):
        yield server.url


@pytest.fixture
async def redis(redis_url: str, key_prefix: str) -> AsyncIterator[Redis]:
    """A client of that Redis."""
    async with connect(redis_url, key_prefix) as client:
        yield client


@pytest.fixture
def key_prefix() -> str:
    """A key prefix that no other test has."""
    return f"test-{uuid4().hex}"


@pytest.fixture
def settings(redis_url: str, key_prefix: str, tmp_path: Path) -> Callable[..., Settings]:
    """Makes settings: those of a test, but for the fields that are passed in."""

    def make(**fields: Any) -> Settings:
        ours: dict[str, Any] = {
            "_env_file": None,
            "redis_url": redis_url,
            "key_prefix": key_prefix,
            "feed": "demo",
            "data_dir": tmp_path / "data",
        }
        return Settings(**(ours | fields))

    return make


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory for a Redis of the test's own, with a path short enough for its socket."""
    with TemporaryDirectory(prefix="isbitcoinlit-") as directory:
        yield Path(directory) / "data"


@pytest.fixture
def clock() -> ManualClock:
    """Half past five in the afternoon, 7 July 2021 (UTC)."""
    return ManualClock(datetime(2021, 7, 7, 17, 30, tzinfo=UTC))


@pytest.fixture
def feed() -> GivenFeed:
    """A feed that gives ten minutes of readings, from noon on."""
    return GivenFeed(readings(20))


@pytest.fixture
async def resources(
    settings: Callable[..., Settings], redis: Redis, feed: GivenFeed, clock: ManualClock
) -> AsyncIterator[Resources]:
    """One process of the service, without its background work."""
    async with process(settings(), redis, feed, clock) as resources:
        yield resources

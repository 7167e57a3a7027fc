"""What the tests of the web start from: an app that runs, and a client on the same machine."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from redis.asyncio import Redis

from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from tests.manual_clock import ManualClock
from tests.readings import NOON, GivenFeed, readings

LOOPBACK = ("127.0.0.1", 50_000)

MakeClient = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def clock() -> ManualClock:
    """A quarter past noon."""
    return ManualClock(NOON + timedelta(minutes=15))


@pytest.fixture
def feed() -> GivenFeed:
    """A feed whose newest reading is five and a half minutes old."""
    return GivenFeed(readings(400, first=-11_400))


@pytest.fixture
def make_app(
    settings: Callable[..., Settings], redis: Redis, feed: GivenFeed, clock: ManualClock
) -> Callable[..., Service]:
    """Builds an app on the test's Redis, which refreshes once when it starts."""

    def make(**fields: Any) -> Service:
        ours = settings(**{"refresh_interval": 3_600, **fields})
        return create_app(ours, redis=redis, feed=feed, clock=clock)

    return make


@pytest.fixture
async def app(make_app: Callable[..., Service]) -> AsyncIterator[Service]:
    """An app that runs."""
    app = make_app()
    async with LifespanManager(app):
        yield app


@asynccontextmanager
async def client_of(
    app: Service, peer: tuple[str, int] = LOOPBACK, host: str = "localhost:8000"
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that runs, at the given address."""
    transport = httpx.ASGITransport(app, client=peer)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        yield client


@pytest.fixture
async def client(app: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client on the same machine."""
    async with client_of(app) as client:
        yield client


@pytest.fixture
def make_client(make_app: Callable[..., Service]) -> MakeClient:
    """Makes a client of an app with other settings, or at another address."""

    @asynccontextmanager
    async def make(
        peer: tuple[str, int] = LOOPBACK, host: str = "localhost:8000", **fields: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        app = make_app(**fields)
        async with LifespanManager(app), client_of(app, peer, host) as client:
            yield client

    return make

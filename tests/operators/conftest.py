"""The operators' desk on a real Redis, and an app with an operator."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from asgi_lifespan import LifespanManager
from redis.asyncio import Redis

from isbitcoinlit.operators.desk import Operators, open_operators
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from tests.manual_clock import ManualClock

PASSWORD = "a good long password"
ELSEWHERE = "198.51.100.7"


@pytest.fixture
def operators(
    redis: Redis, key_prefix: str, clock: ManualClock, settings: Callable[..., Settings]
) -> Operators:
    """The desk, at which nobody is known."""
    return open_operators(settings(), redis, Keys(key_prefix), clock)


@pytest.fixture
async def alice(operators: Operators) -> str:
    """An operator."""
    await operators.accounts.add("alice", await operators.passwords.hash(PASSWORD))
    return "alice"


@pytest.fixture
async def app(
    settings: Callable[..., Settings], redis: Redis, clock: ManualClock
) -> AsyncIterator[Service]:
    """The app, with its resources open."""
    service = create_app(settings(operator_token="the token for scripts"), redis, clock=clock)
    async with LifespanManager(service):
        yield service


@pytest.fixture
async def client(app: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client on another machine."""
    transport = httpx.ASGITransport(app, client=(ELSEWHERE, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


@pytest.fixture
async def local_client(app: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client on the service's own machine."""
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client

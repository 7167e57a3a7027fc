"""An app on a real Redis, and a client that calls it as somebody on the same machine."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from asgi_lifespan import LifespanManager
from redis.asyncio import Redis

from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from tests.manual_clock import ManualClock
from tests.readings import GivenFeed, readings


@pytest.fixture
def feed() -> GivenFeed:
    """A feed with an hour and a half of readings."""
    return GivenFeed(readings(180))


@pytest.fixture
async def app(
    redis: Redis, feed: GivenFeed, settings: Callable[..., Settings], clock: ManualClock
) -> AsyncIterator[Service]:
    """The app, running."""
    service = create_app(settings(operator_token="0123456789abcdef"), redis, feed, clock)
    async with LifespanManager(service):
        yield service


@pytest.fixture
async def client(app: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client on the same machine."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as opened:
        yield opened


def assert_problem(answer: httpx.Response, status: int, name: str) -> None:
    """Every error has one form, and may be read by any page."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    problem = answer.json()
    assert problem["type"] == f"urn:isbitcoinlit:problem:{name}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.request.url.path
    assert problem["request_id"] == answer.headers["x-request-id"]

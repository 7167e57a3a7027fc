"""`/health/…`: whether the process runs, and whether it can answer."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from asgi_lifespan import LifespanManager

from isbitcoinlit.errors import FeedUnavailable
from isbitcoinlit.redis_client import connect
from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import create_app
from tests.manual_clock import ManualClock
from tests.own_redis import own_redis
from tests.readings import GivenFeed
from tests.web.conftest import MakeClient, client_of

pytestmark = pytest.mark.anyio

READY = "/health/ready"


def checks(response: httpx.Response) -> dict[str, str]:
    """The state of everything that was looked at."""
    return {check["name"]: check["status"] for check in response.json()["checks"]}


async def test_live(client: httpx.AsyncClient) -> None:
    """A process that runs says so, to GET and HEAD."""
    assert (await client.get("/health/live")).json() == {"status": "ok"}
    assert (await client.head("/health/live")).status_code == 200


async def test_ready(client: httpx.AsyncClient) -> None:
    """With all in order the service is ok, and the answer is never cached."""
    response = await client.get(READY)

    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert checks(response) == {"redis": "ok", "snapshot": "ok", "feed given": "ok"}
    assert response.headers["cache-control"] == "no-store"
    assert (await client.head(READY)).status_code == 200


async def test_a_stale_feed_degrades(client: httpx.AsyncClient, clock: ManualClock) -> None:
    """Old data do not take a service out of rotation."""
    clock.advance(600)

    response = await client.get(READY)

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert checks(response) == {"redis": "ok", "snapshot": "stale", "feed given": "stale"}


async def test_a_failing_feed_degrades(client: httpx.AsyncClient, feed: GivenFeed) -> None:
    """A feed that fails is named with its reason, and polls go on."""
    feed.answers = [FeedUnavailable("It is down.")]
    await client.post("/refresh")

    response = await client.get(READY)

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert checks(response) == {"redis": "ok", "snapshot": "ok", "feed given": "failing"}
    assert "It is down." in response.text


async def test_no_data_is_not_ready(make_client: MakeClient, feed: GivenFeed) -> None:
    """Before the first reading no poll can be answered."""
    feed.answers = [[]]
    async with make_client() as client:
        response = await client.get(READY)

    assert (response.status_code, response.json()["status"]) == (503, "failing")
    assert checks(response) == {"redis": "ok", "snapshot": "failing", "feed given": "stale"}


@pytest.mark.parametrize("fault", ["stop", "freeze"])
async def test_redis_away_degrades(
    settings: Callable[..., Settings], feed: GivenFeed, clock: ManualClock, fault: str
) -> None:
    """Without Redis the service is degraded while it has something to serve, and says so soon."""
    with own_redis() as server:
        async with connect(server.url) as redis:
            app = create_app(settings(refresh_interval=3_600), redis, feed, clock)
            async with LifespanManager(app, shutdown_timeout=20), client_of(app) as client:
                getattr(server, fault)()
                clock.advance(121)
                began = asyncio.get_running_loop().time()
                response = await client.get(READY)
                took = asyncio.get_running_loop().time() - began
                clock.advance(3_600)
                later = await client.get(READY)

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert checks(response)["redis"] == "failing"
    assert took < 1
    assert (later.status_code, later.json()["status"]) == (503, "failing")

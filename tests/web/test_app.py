"""The app as a whole: errors, health, documentation, embedding."""

from collections.abc import Callable

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from redis.asyncio import Redis

from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import create_app
from tests.manual_clock import ManualClock
from tests.readings import GivenFeed, readings
from tests.web.problem import assert_problem

pytestmark = pytest.mark.anyio


async def test_live_and_ready(client: httpx.AsyncClient) -> None:
    """The process lives, and is ready, with a list of what was looked at."""
    assert (await client.get("/health/live")).json() == {"status": "ok"}
    ready = await client.get("/health/ready")
    assert ready.status_code == 200
    statuses = {check["name"]: check["status"] for check in ready.json()["checks"]}
    assert ready.json()["status"] == "ok"
    assert statuses == {"redis": "ok", "snapshot": "ok", "feed given": "ok"}


async def test_not_ready_without_data(
    redis: Redis, settings: Callable[..., Settings], clock: ManualClock
) -> None:
    """Before the first reading polls cannot be answered, and readiness says so."""
    app = create_app(settings(), redis, GivenFeed([]), clock)
    transport = httpx.ASGITransport(app)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        assert (await client.get("/health/ready")).status_code == 503
        assert_problem(await client.get("/is-bitcoin-lit"), 503, "no-data")


async def test_documentation(client: httpx.AsyncClient) -> None:
    """The API describes its answers, its errors and an example."""
    schema = (await client.get("/openapi.json")).json()
    poll = schema["paths"]["/is-bitcoin-lit"]["get"]
    assert poll["description"]
    assert {"200", "304", "503"} <= poll["responses"].keys()
    assert schema["components"]["schemas"]["SnapshotSchema"]["examples"]
    assert "request_id" in schema["components"]["schemas"]["Problem"]["properties"]
    assert (await client.get("/docs")).status_code == 200


async def test_front_page(client: httpx.AsyncClient) -> None:
    """`/` shows where things are."""
    page = await client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "is-bitcoin-lit" in page.text


async def test_what_is_passed_in_is_left_open(
    redis: Redis, settings: Callable[..., Settings]
) -> None:
    """An app closes neither the Redis nor the feed that somebody gave it."""
    feed = GivenFeed(readings(10))
    async with LifespanManager(create_app(settings(), redis, feed)):
        pass
    assert not feed.closed
    assert await redis.ping()


async def test_mounted_in_another_app(
    redis: Redis, settings: Callable[..., Settings], feed: GivenFeed
) -> None:
    """Mounted below a path of somebody else's app it answers there."""
    inner = create_app(settings(), redis, feed)
    outer = FastAPI()
    outer.mount("/btc", inner)
    async with (
        inner.router.lifespan_context(inner),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(outer), base_url="http://localhost"
        ) as client,
    ):
        answer = await client.get("/btc/is-bitcoin-lit")
    assert answer.status_code == 200
    assert answer.json()["feed"] == "given"

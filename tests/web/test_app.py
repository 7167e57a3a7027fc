"""The app as others use it: what it opens and closes, and as a part of another app."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from redis.asyncio import Redis

from isbitcoinlit.errors import SettingsError, TimeSeriesMissing
from isbitcoinlit.redis_client import connect
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from tests.own_redis import own_redis
from tests.readings import GivenFeed
from tests.web.conftest import client_of
from tests.web.problem import assert_problem

pytestmark = pytest.mark.anyio


async def test_what_is_passed_in_stays_open(
    make_app: Callable[..., Service], redis: Redis, feed: GivenFeed
) -> None:
    """A Redis client and a feed of the caller's are used, and left open at the end."""
    async with LifespanManager(make_app()):
        assert feed.pulls == 1

    assert await redis.ping()
    assert not feed.closed


async def test_what_it_opens_it_closes(
    settings: Callable[..., Settings], redis: Redis, redis_url: str
) -> None:
    """Every connection that the app opened is closed when it has ended."""
    before = {client["id"] for client in await redis.client_list()}

    app = create_app(settings(redis_url=redis_url, feed="demo"))
    async with LifespanManager(app), client_of(app) as client:
        assert (await client.get("/is-bitcoin-lit")).json()["feed"] == "demo"
        assert {client["id"] for client in await redis.client_list()} > before

    after = {client["id"] for client in await redis.client_list()}
    assert after <= before


async def test_building_does_nothing(
    settings: Callable[..., Settings], redis: Redis, feed: GivenFeed, key_prefix: str
) -> None:
    """An app that is built and not run has asked nobody for anything."""
    create_app(settings(), redis=redis, feed=feed)

    assert feed.pulls == 0
    assert await redis.keys(Keys(key_prefix).snapshot.replace("snapshot", "*")) == []


async def test_it_can_be_run_again(make_app: Callable[..., Service], feed: GivenFeed) -> None:
    """The same app may be started after it has ended."""
    app = make_app()
    for _ in range(2):
        async with LifespanManager(app), client_of(app) as client:
            assert (await client.get("/is-bitcoin-lit")).status_code == 200

    assert feed.pulls == 2


async def test_it_can_be_part_of_another_app(make_app: Callable[..., Service]) -> None:
    """Mounted under a path it answers there, as long as the outer app runs its lifespan."""
    inner = make_app()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with inner.router.lifespan_context(inner):
            yield

    outer = FastAPI(lifespan=lifespan)
    outer.mount("/btc", inner)
    async with LifespanManager(outer):
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get("/btc/is-bitcoin-lit")
            assert answer.status_code == 200
            etag = {"If-None-Match": answer.headers["etag"]}
            assert (await client.get("/btc/is-bitcoin-lit", headers=etag)).status_code == 304
            assert (await client.post("/btc/refresh")).status_code == 200
            assert (await client.get("/btc/health/ready")).json()["status"] == "ok"
            assert_problem(await client.get("/btc/nope"), 404, "not-found")
            assert (await client.get("/nope")).headers["content-type"] == "application/json"


async def test_settings_of_the_environment_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settings of the caller's those of the environment hold, if they can."""
    monkeypatch.setenv("ISBITCOINLIT_PORT", "x")

    with pytest.raises(SettingsError, match="ISBITCOINLIT_PORT"):
        create_app()


async def test_a_redis_without_time_series_is_refused(
    settings: Callable[..., Settings], feed: GivenFeed
) -> None:
    """The app does not start on a Redis that cannot do the work, and says what can."""
    with own_redis(time_series=False) as server:
        async with connect(server.url) as plain:
            app = create_app(settings(), redis=plain, feed=feed)
            with pytest.raises(TimeSeriesMissing, match=r"Redis Stack 7\.4 or Redis 8"):
                async with app.router.lifespan_context(app):
                    pass


async def test_the_documentation_is_complete(client: httpx.AsyncClient) -> None:
    """Every route has a summary and a description, and its errors have their form."""
    document = (await client.get("/openapi.json")).json()

    assert {"/is-bitcoin-lit", "/refresh", "/health/live", "/health/ready"} <= document[
        "paths"
    ].keys()
    assert document["components"]["schemas"]["Problem"]["required"]
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["description"]
            for status, response in operation["responses"].items():
                assert response["description"], status
    errors = document["paths"]["/refresh"]["post"]["responses"]
    assert {"401", "403", "502", "503"} <= errors.keys()
    assert "application/problem+json" in errors["502"]["content"]


async def test_the_index_links_to_what_there_is(client: httpx.AsyncClient) -> None:
    """The page at / leads to the documentation and the health, and says how to ask."""
    page = await client.get("/")

    assert page.headers["content-type"].startswith("text/html")
    assert "/is-bitcoin-lit</code>" in page.text
    for path in ("docs", "health/ready"):
        assert f'href="{path}"' in page.text
        assert (await client.get(f"/{path}")).status_code == 200


async def test_pages_of_others_may_ask_conditionally(client: httpx.AsyncClient) -> None:
    """A browser that asks first is told that reading, and `If-None-Match`, are allowed."""
    asked = {
        "origin": "https://dashboard.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "if-none-match",
    }
    answer = await client.options("/is-bitcoin-lit", headers=asked)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert "If-None-Match" in answer.headers["access-control-allow-headers"]
    assert (await client.options("/is-bitcoin-lit")).status_code == 405

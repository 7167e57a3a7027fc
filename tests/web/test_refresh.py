"""`POST /refresh`, and who may."""

from collections.abc import Callable

import httpx
import pytest
from asgi_lifespan import LifespanManager
from redis.asyncio import Redis

from isbitcoinlit.errors import FeedInvalid, FeedUnavailable
from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from tests.readings import GivenFeed, readings
from tests.web.conftest import assert_problem

pytestmark = pytest.mark.anyio

TOKEN = "0123456789abcdef"


async def test_answer(client: httpx.AsyncClient, feed: GivenFeed) -> None:
    """It says what came and what was new, and the next poll has it."""
    feed.answers = [readings(182)]
    report = (await client.post("/refresh")).json()
    assert {k: report[k] for k in ("feed", "fetched", "added", "already_stored", "rejected")} == {
        "feed": "given",
        "fetched": 182,
        "added": 2,
        "already_stored": 180,
        "rejected": {},
    }
    assert report["newest"] == "2021-07-07T13:30:30+00:00"
    assert report["snapshot"] == (await client.get("/is-bitcoin-lit")).json()


@pytest.mark.parametrize(
    ("error", "name"),
    [(FeedUnavailable("It is away."), "feed-unavailable"), (FeedInvalid("No."), "feed-invalid")],
)
async def test_failing_feed(
    client: httpx.AsyncClient, feed: GivenFeed, error: FeedInvalid | FeedUnavailable, name: str
) -> None:
    """A feed that fails is a 502, and polls are answered as before."""
    before = await client.get("/is-bitcoin-lit")
    feed.answers = [error]
    answer = await client.post("/refresh")
    assert_problem(answer, 502, name)
    assert answer.json()["detail"] == str(error)
    assert (await client.get("/is-bitcoin-lit")).content == before.content


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_pages_of_other_origins(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """A browser that asks for a foreign page is refused, even on this machine."""
    assert_problem(await client.post("/refresh", headers=headers), 403, "cross-origin")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "203.0.113.7"},
        {"forwarded": "for=203.0.113.7"},
        {"x-real-ip": "203.0.113.7"},
        {"via": "1.1 proxy"},
        {"host": "rebound.example:8000"},
    ],
)
async def test_not_straight_from_here(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Whoever comes through a proxy, or by another name, needs the operator's token."""
    assert_problem(await client.post("/refresh", headers=headers), 403, "operator-required")
    headers = {**headers, "authorization": f"Bearer {TOKEN}"}
    assert (await client.post("/refresh", headers=headers)).status_code == 200


async def test_own_page(client: httpx.AsyncClient) -> None:
    """The service's own pages on this machine may refresh."""
    headers = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}
    assert (await client.post("/refresh", headers=headers)).status_code == 200


async def test_from_elsewhere(app: Service) -> None:
    """From another machine it takes the right token: none is 403, a wrong one 401."""
    transport = httpx.ASGITransport(app, client=("203.0.113.7", 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.1") as client:
        assert_problem(await client.post("/refresh"), 403, "operator-required")
        wrong = await client.post("/refresh", headers={"authorization": "Bearer wrong"})
        assert_problem(wrong, 401, "operator-token-wrong")
        assert wrong.headers["www-authenticate"] == "Bearer"
        right = await client.post("/refresh", headers={"authorization": f"Bearer {TOKEN}"})
        assert right.status_code == 200


async def test_listening_to_the_world(
    redis: Redis, feed: GivenFeed, settings: Callable[..., Settings]
) -> None:
    """A service that does not listen on loopback asks everybody for a token."""
    app = create_app(settings(host="192.0.2.1"), redis, feed)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client,
    ):
        assert_problem(await client.post("/refresh"), 403, "operator-required")


async def test_get_is_not_allowed(client: httpx.AsyncClient) -> None:
    """A link cannot refresh."""
    assert_problem(await client.get("/refresh"), 405, "method-not-allowed")

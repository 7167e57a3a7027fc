"""Limits as clients meet them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from asgi_lifespan import LifespanManager
from redis.asyncio import Redis

from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from tests.manual_clock import ManualClock
from tests.operators.conftest import ELSEWHERE

pytestmark = pytest.mark.anyio

SCRIPT = {"Authorization": "Bearer the token for scripts"}

MakeApp = Callable[..., Service]


@pytest.fixture
def make_app(settings: Callable[..., Settings], redis: Redis, clock: ManualClock) -> MakeApp:
    """Makes apps that are not open yet."""

    def make(**fields: object) -> Service:
        given = {"limit_snapshot": "3/minute", "limit_other": "2/minute", **fields}
        return create_app(
            settings(operator_token="the token for scripts", **given), redis, clock=clock
        )

    return make


@asynccontextmanager
async def client_of(app: Service, address: str = ELSEWHERE) -> AsyncIterator[httpx.AsyncClient]:
    """Open the app, and ask it from an address."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(LifespanManager(app))
        transport = httpx.ASGITransport(app, client=(address, 1))
        client = httpx.AsyncClient(transport=transport, base_url="http://service")
        yield await stack.enter_async_context(client)


@pytest.mark.parametrize("query", ["", "?route=1"])
async def test_polls(make_app: MakeApp, query: str) -> None:
    """From memory and through the route alike, answers count down to a 429 with all its words."""
    async with client_of(make_app()) as client:
        answers = [await client.get(f"/is-bitcoin-lit{query}") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    refused = answers[-1]
    assert refused.headers["x-ratelimit-limit"] == "3"
    assert 1 <= int(refused.headers["x-ratelimit-reset"]) <= 60
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "X-RateLimit-Remaining" in refused.headers["access-control-expose-headers"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:isbitcoinlit:problem:too-many-requests"
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


async def test_both_ways_share_a_budget(make_app: MakeApp) -> None:
    """Polls answered from memory and by the route are counted together, each once."""
    async with client_of(make_app()) as client:
        paths = ("/is-bitcoin-lit", "/is-bitcoin-lit?a=1", "/is-bitcoin-lit")
        left = [(await client.get(path)).headers["x-ratelimit-remaining"] for path in paths]
    assert left == ["2", "1", "0"]


async def test_both_ways_say_the_same(make_app: MakeApp) -> None:
    """Memory and route give the same headers, but for who is next in line."""
    async with client_of(make_app(limit_snapshot="1000/minute")) as client:
        both = [
            await client.get(f"/is-bitcoin-lit{query}", headers={"X-Request-ID": "same"})
            for query in ("", "?a=1")
        ]
    fast, slow = (
        sorted(pair for pair in one.headers.raw if pair[0] != b"x-ratelimit-remaining")
        for one in both
    )
    assert fast == slow
    assert both[0].content == both[1].content


async def test_every_answer_says_how_it_stands(make_app: MakeApp) -> None:
    """Errors, redirects and pages carry the three headers too."""
    async with client_of(make_app(limit_other="100/minute")) as client:
        for method, path in (("GET", "/"), ("GET", "/nothing"), ("PUT", "/is-bitcoin-lit")):
            answer = await client.request(method, path)
            assert int(answer.headers["x-ratelimit-remaining"]) < 100
            assert answer.headers["x-ratelimit-limit"]
            assert answer.headers["x-ratelimit-reset"]


async def test_groups_have_budgets_of_their_own(make_app: MakeApp) -> None:
    """Who has no polls left may still ask for health."""
    async with client_of(make_app()) as client:
        for _ in range(4):
            await client.get("/is-bitcoin-lit")
        assert (await client.get("/health/live")).status_code == 200


async def test_room_comes_back(make_app: MakeApp, clock: ManualClock) -> None:
    """Whoever waits as long as `Retry-After` says is served."""
    async with client_of(make_app()) as client:
        answers = [await client.get("/is-bitcoin-lit") for _ in range(4)]
        clock.advance(int(answers[-1].headers["retry-after"]))
        assert (await client.get("/is-bitcoin-lit")).status_code == 200


async def test_operators_have_more(make_app: MakeApp) -> None:
    """An operator's requests are counted apart, against a higher limit."""
    async with client_of(make_app(limit_operator="50/minute")) as client:
        answers = [await client.get("/is-bitcoin-lit", headers=SCRIPT) for _ in range(5)]
        anybody = await client.get("/is-bitcoin-lit")
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers[:2]] == ["49", "48"]
    assert answers[-1].status_code == 200
    assert anybody.headers["x-ratelimit-remaining"] == "2"


async def test_a_wrong_token_buys_nothing(make_app: MakeApp) -> None:
    """A token that is not good is counted like no token."""
    async with client_of(make_app()) as client:
        answer = await client.get("/is-bitcoin-lit", headers={"Authorization": "Bearer x.y.z"})
    assert answer.status_code == 200
    assert answer.headers["x-ratelimit-limit"] == "3"


async def test_ipv6_neighbours(make_app: MakeApp) -> None:
    """All addresses of one /64 are one client."""
    app = make_app()
    async with client_of(app, "2001:db8::1") as client:
        await client.get("/is-bitcoin-lit")
        transport = httpx.ASGITransport(app, client=("2001:db8::ffff:2", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as other:
            answer = await other.get("/is-bitcoin-lit")
    assert answer.headers["x-ratelimit-remaining"] == "1"


@pytest.mark.parametrize(("trusted", "left"), [("", "1"), (ELSEWHERE, "2")])
async def test_forwarded_clients(make_app: MakeApp, trusted: str, left: str) -> None:
    """`X-Forwarded-For` tells clients apart where the proxy is trusted, and only there."""
    async with client_of(make_app(trusted_proxies=trusted)) as client:
        for number in (1, 2):
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            answer = await client.get("/is-bitcoin-lit", headers=headers)
    assert answer.headers["x-ratelimit-remaining"] == left


async def test_the_documentation_says_it(make_app: MakeApp) -> None:
    """The first screen of the documentation has the limits that hold here."""
    async with client_of(make_app()) as client:
        description = (await client.get("/openapi.json")).json()["info"]["description"]
    assert "3/minute polls" in description
    assert "X-RateLimit-Remaining" in description

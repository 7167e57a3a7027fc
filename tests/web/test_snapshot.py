"""`/is-bitcoin-lit`, by the hot path and by the route."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from asgi_lifespan import LifespanManager
from redis.asyncio import Redis

from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from tests.manual_clock import ManualClock
from tests.readings import GivenFeed, readings
from tests.web.conftest import assert_problem

pytestmark = pytest.mark.anyio

PATH = "/is-bitcoin-lit"
REQUESTS = [
    ("GET", {}),
    ("HEAD", {}),
    ("GET", {"if-none-match": "ETAG"}),
    ("HEAD", {"if-none-match": "ETAG"}),
    ("GET", {"if-none-match": "W/ETAG"}),
    ("GET", {"if-none-match": '"other", W/"another", ETAG'}),
    ("GET", {"if-none-match": '"other"'}),
    ("GET", {"if-none-match": "*"}),
    ("GET", {"if-none-match": "nonsense"}),
    ("GET", {"if-none-match": ""}),
    ("GET", {"origin": "https://example.org"}),
    ("GET", {"accept": "text/html", "accept-encoding": "gzip"}),
    ("GET", {"if-modified-since": "Wed, 07 Jul 2021 23:00:00 GMT"}),
]


async def test_shape(client: httpx.AsyncClient) -> None:
    """The answer has the original service's keys first, and numbers that are numbers."""
    snapshot = (await client.get(PATH)).json()
    assert list(snapshot) == [
        "is_bitcoin_lit",
        "hourly_average_of_averages",
        "sentiment_direction",
        "price_direction",
        "as_of",
        "stale",
        "feed",
    ]
    hours = snapshot["hourly_average_of_averages"]
    assert [hour["time"] for hour in hours] == [
        "2021-07-07T11:00:00+00:00",
        "2021-07-07T12:00:00+00:00",
        "2021-07-07T13:00:00+00:00",
    ]
    assert hours[0] == {
        "price": None,
        "sentiment": None,
        "time": "2021-07-07T11:00:00+00:00",
        "samples": 0,
        "partial": False,
    }
    assert (hours[1]["samples"], hours[2]["samples"], hours[2]["partial"]) == (120, 60, True)
    assert isinstance(hours[1]["price"], float)
    assert snapshot["as_of"] == "2021-07-07T13:29:30+00:00"


async def test_headers(client: httpx.AsyncClient) -> None:
    """An answer says where it comes from, how old it is, and how long it may be kept."""
    answer = await client.get(PATH, headers={"x-request-id": "mine-1"})
    headers = answer.headers
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == (
        "public, max-age=30, stale-while-revalidate=120, stale-if-error=3600"
    )
    assert headers["last-modified"] == "Wed, 07 Jul 2021 13:29:30 GMT"
    assert (headers["age"], headers["x-cache"], headers["x-request-id"]) == (
        "0",
        "memory",
        "mine-1",
    )
    assert headers["access-control-allow-origin"] == "*"
    assert "X-Cache" in headers["access-control-expose-headers"]


@pytest.mark.parametrize(("method", "headers"), REQUESTS, ids=str)
async def test_both_ways_are_one(
    app: Service, client: httpx.AsyncClient, method: str, headers: dict[str, str]
) -> None:
    """The hot path and the route give the same answer, byte for byte."""
    etag = (await client.get(PATH)).headers["etag"]
    sent = {name: value.replace("ETAG", etag) for name, value in headers.items()}
    sent["x-request-id"] = "the-same"
    hot_path = app.hot_path
    assert hot_path
    quick = await client.request(method, PATH, headers=sent)
    app.hot_path = None
    slow = await client.request(method, PATH, headers=sent)
    app.hot_path = hot_path
    assert quick.status_code == slow.status_code
    assert quick.headers.raw == slow.headers.raw
    assert quick.content == slow.content


@pytest.mark.parametrize(
    ("condition", "status"),
    [("ETAG", 304), ("W/ETAG", 304), ('"a", ETAG', 304), ("*", 304), ('"a"', 200), ("", 200)],
)
async def test_if_none_match(client: httpx.AsyncClient, condition: str, status: int) -> None:
    """A client that has this answer gets 304 with its validators and no body."""
    first = await client.get(PATH)
    etag = first.headers["etag"]
    answer = await client.get(PATH, headers={"if-none-match": condition.replace("ETAG", etag)})
    assert answer.status_code == status
    assert answer.headers["etag"] == etag
    assert answer.headers["cache-control"] == first.headers["cache-control"]
    assert bool(answer.content) is (status == 200)


async def test_age_grows(client: httpx.AsyncClient, clock: ManualClock) -> None:
    """`Age` counts the seconds since the answer was known to be true."""
    await client.get(PATH)
    clock.advance(42)
    assert (await client.get(PATH)).headers["age"] == "42"
    await client.post("/refresh")
    assert (await client.get(PATH)).headers["age"] == "0"


async def test_expiry_computes_anew(client: httpx.AsyncClient, clock: ManualClock) -> None:
    """After two minutes without a refresh the answer is looked up again."""
    assert (await client.get(PATH)).headers["x-cache"] == "memory"
    clock.advance(121)
    assert (await client.get(PATH)).headers["x-cache"] in {"redis", "computed"}


async def test_staleness_changes_the_tag(
    redis: Redis, feed: GivenFeed, settings: Callable[..., Settings]
) -> None:
    """When its newest reading gets too old the answer changes, and so does its tag."""
    clock = ManualClock(readings(180)[-1].time + timedelta(seconds=599))
    app = create_app(settings(), redis, feed, clock)
    transport = httpx.ASGITransport(app)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        before = await client.get(PATH)
        clock.advance(2)
        after = await client.get(PATH, headers={"if-none-match": before.headers["etag"]})
    assert before.json()["stale"] is False
    assert after.status_code == 200
    assert after.json() == {**before.json(), "stale": True}


async def test_query_goes_to_the_route(client: httpx.AsyncClient) -> None:
    """A query that nobody knows changes nothing."""
    assert (await client.get(PATH)).content == (await client.get(f"{PATH}?t=1")).content


async def test_wrong_method(client: httpx.AsyncClient) -> None:
    """Other methods are refused, with the ones that are allowed."""
    answer = await client.post(PATH)
    assert_problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]

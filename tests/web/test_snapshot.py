"""`GET /is-bitcoin-lit`: the answer, its validators, and how little it costs."""

import httpx
import pytest
from redis.asyncio import Redis

from isbitcoinlit.series.keys import Keys
from isbitcoinlit.web.app import Service
from tests.command_count import CommandCount
from tests.manual_clock import ManualClock
from tests.readings import GivenFeed
from tests.web.conftest import MakeClient
from tests.web.problem import assert_problem

pytestmark = pytest.mark.anyio

PATH = "/is-bitcoin-lit"


@pytest.fixture(params=["hot path", "route"], autouse=True)
def _both_ways(request: pytest.FixtureRequest, app: Service) -> None:
    """Polls are answered before the framework, and by it."""
    if request.param == "route":
        app.hot_path = None


async def test_the_answer(client: httpx.AsyncClient) -> None:
    """The answer has three hours, and headers that say how old it is and how long it is good."""
    response = await client.get(PATH)

    body = response.json()
    assert response.status_code == 200
    assert [hour["samples"] for hour in body["hourly_average_of_averages"]] == [120, 120, 20]
    assert body["as_of"] == "2021-07-07T12:09:30+00:00"
    assert (body["feed"], body["stale"]) == ("given", False)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.content))
    assert response.headers["last-modified"] == "Wed, 07 Jul 2021 12:09:30 GMT"
    assert response.headers["cache-control"] == (
        "public, max-age=3600, stale-while-revalidate=120, stale-if-error=3600"
    )
    assert response.headers["age"] == "0"
    assert response.headers["x-cache"] == "memory"
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ('"other", {etag}', 304),
        ('"other",W/{etag} , "more"', 304),
        ("*", 304),
        (" * ", 304),
        ('"other"', 200),
        ('W/"other"', 200),
        ("{bare}", 200),
        ("", 200),
        ('"', 200),
        ("**", 200),
        ('"a{bare}"', 200),
    ],
)
async def test_conditions(client: httpx.AsyncClient, condition: str, status: int) -> None:
    """`If-None-Match` is compared weakly, in lists and with `*`; 304 repeats the validators."""
    full = await client.get(PATH)
    etag = full.headers["etag"]
    sent = condition.format(etag=etag, bare=etag.strip('"'))

    response = await client.get(PATH, headers={"If-None-Match": sent})

    assert response.status_code == status
    for name in ("etag", "last-modified", "cache-control", "access-control-allow-origin"):
        assert response.headers[name] == full.headers[name]
    if status == 304:
        assert response.content == b""
        assert "content-type" not in response.headers


async def test_the_tag_is_of_the_content(client: httpx.AsyncClient, clock: ManualClock) -> None:
    """The tag stays while the content does, and changes when the answer becomes stale."""
    first = await client.get(PATH)
    clock.advance(60)
    second = await client.get(PATH)
    clock.advance(500)
    third = await client.get(PATH)

    assert first.headers["etag"] == second.headers["etag"] != third.headers["etag"]
    assert (second.headers["age"], second.content) == ("60", first.content)
    assert third.json()["stale"] is True


async def test_polls_leave_redis_alone(client: httpx.AsyncClient, redis: Redis) -> None:
    """A hundred polls cost Redis nothing."""
    count = CommandCount(redis)
    await client.get(PATH)
    await count.begin()

    for _ in range(100):
        await client.get(PATH)

    assert await count.commands() == {}


async def test_two_minutes_later_it_is_looked_up(
    client: httpx.AsyncClient, clock: ManualClock, redis: Redis, key_prefix: str
) -> None:
    """What is too old is taken from Redis, and computed if it is not there either."""
    clock.advance(121)
    second = await client.get(PATH)
    await redis.delete(Keys(key_prefix).snapshot)
    clock.advance(121)
    third = await client.get(PATH)

    assert second.headers["x-cache"] == "redis"
    assert third.headers["x-cache"] == "computed"


async def test_before_the_first_reading(make_client: MakeClient, feed: GivenFeed) -> None:
    """Without any reading a poll is a problem that says when to come back."""
    feed.answers = [[]]
    async with make_client(key_prefix="before-the-first-reading") as client:
        response = await client.get(PATH)

    assert_problem(response, 503, "no-data")
    assert int(response.headers["retry-after"]) > 0


async def test_a_head_has_the_headers_of_a_get(client: httpx.AsyncClient) -> None:
    """HEAD gives the headers of GET; the server leaves the body out."""
    sent = {"x-request-id": "same"}

    full, head = await client.get(PATH, headers=sent), await client.head(PATH, headers=sent)

    del head.headers["x-ratelimit-remaining"], full.headers["x-ratelimit-remaining"]
    assert head.headers.raw == full.headers.raw


@pytest.mark.parametrize("query", ["?x=1", "?", "?_=1625592626"])
async def test_a_query_changes_nothing(client: httpx.AsyncClient, query: str) -> None:
    """What a cache-busting client adds is ignored."""
    assert (await client.get(PATH + query)).content == (await client.get(PATH)).content

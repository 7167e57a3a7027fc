"""`POST /refresh`: what it answers, and to whom."""

import asyncio

import httpx
import pytest
from redis.asyncio import Redis

from isbitcoinlit.errors import FeedInvalid, FeedUnavailable
from isbitcoinlit.models import Metric
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.snapshot.document import from_json
from isbitcoinlit.web.app import Service
from tests.readings import GivenFeed, readings
from tests.web.conftest import MakeClient, client_of
from tests.web.problem import assert_problem

pytestmark = pytest.mark.anyio

RIGHT = "an-operators-token-0123456789"
ELSEWHERE = ("192.0.2.7", 50_000)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


async def test_the_answer_says_what_was_stored(
    client: httpx.AsyncClient, feed: GivenFeed, redis: Redis, key_prefix: str
) -> None:
    """Numbers and snapshot are in the answer; the snapshot is in Redis when it has gone out."""
    feed.answers = [readings(401, first=-11_400)]

    response = await client.post("/refresh")

    body = response.json()
    assert response.status_code == 200
    assert body["duration_ms"] >= 0
    assert {name: body[name] for name in ("feed", "fetched", "added", "already_stored")} == {
        "feed": "given",
        "fetched": 401,
        "added": 1,
        "already_stored": 400,
    }
    assert body["rejected"] == {}
    assert body["newest"] == body["snapshot"]["as_of"] == "2021-07-07T12:10:00+00:00"
    assert (await client.get("/is-bitcoin-lit")).json() == body["snapshot"]
    cached = from_json(await redis.get(Keys(key_prefix).snapshot) or "")
    assert cached.as_of.isoformat() == body["newest"]


async def test_a_caller_that_hangs_up_breaks_nothing(
    client: httpx.AsyncClient, feed: GivenFeed
) -> None:
    """A request that is cancelled half-way leaves the service as it was."""
    feed.answers = [readings(401, first=-11_400)]
    leaving = asyncio.ensure_future(client.post("/refresh"))
    await asyncio.sleep(0)
    leaving.cancel()

    answer = await client.post("/refresh")

    assert answer.json()["added"] + answer.json()["already_stored"] == 401


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (FeedUnavailable("It is down."), "feed-unavailable"),
        (FeedInvalid("It sent rubbish."), "feed-invalid"),
        (FeedUnavailable("Too many.", retry_after=77.2), "feed-unavailable"),
    ],
)
async def test_a_failing_feed_is_a_problem(
    client: httpx.AsyncClient, feed: GivenFeed, error: FeedUnavailable, name: str
) -> None:
    """The answer is 502 with the reason and a time to come back, and the old data are served."""
    feed.answers = [error]

    response = await client.post("/refresh")

    assert_problem(response, 502, name)
    assert response.json()["detail"] == str(error)
    assert response.headers["retry-after"] == ("78" if error.retry_after else "5")
    assert (await client.get("/is-bitcoin-lit")).status_code == 200


async def test_a_foreign_key_is_a_problem(
    client: httpx.AsyncClient, redis: Redis, key_prefix: str
) -> None:
    """A key of ours that holds something else is named, and polls go on."""
    await redis.set(Keys(key_prefix).series("given", Metric.PRICE), "text")

    assert_problem(await client.post("/refresh"), 503, "series-unusable")
    assert (await client.get("/is-bitcoin-lit")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost:8000"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "127.0.0.1:8000"},
        {"Host": "[::1]:8000"},
        {"Host": "localhost"},
        {"Authorization": "Basic b3BlcmF0b3I6eA=="},
    ],
)
async def test_this_machine_needs_no_token(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """Who sits at this machine may, with curl as with the service's own pages."""
    assert (await client.post("/refresh", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://page.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", **bearer(RIGHT)},
        {"Origin": "https://page.example", **bearer(RIGHT)},
    ],
)
async def test_other_pages_may_not(make_client: MakeClient, headers: dict[str, str]) -> None:
    """What a browser sends on behalf of another page is refused, even with the token."""
    async with make_client(operator_token=RIGHT) as client:
        assert_problem(await client.post("/refresh", headers=headers), 403, "cross-origin")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "192.0.2.7"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "btc.example"},
        {"X-Real-IP": "192.0.2.7"},
        {"Forwarded": "for=192.0.2.7"},
        {"Via": "1.1 proxy"},
        {"Host": "rebound.example:8000"},
        {"Host": "localhost.rebound.example"},
        {"Host": "10.0.0.1"},
        {"Host": "["},
        {"Host": "[127.0.0.1"},
        {"Host": ""},
    ],
)
async def test_proxied_and_rebound_requests_are_not_local(
    client: httpx.AsyncClient, headers: dict[str, str], feed: GivenFeed
) -> None:
    """A proxy's request, or one to a foreign name that leads here, needs the token."""
    before = feed.pulls

    assert_problem(await client.post("/refresh", headers=headers), 403, "operator-required")
    assert feed.pulls == before


@pytest.mark.parametrize("name", ["localhost:8000", "btc.example"])
async def test_from_elsewhere_the_token_is_needed(make_client: MakeClient, name: str) -> None:
    """From another machine the right token opens, a wrong one is 401, and none is 403."""
    async with make_client(peer=ELSEWHERE, host=name, operator_token=RIGHT) as client:
        right = await client.post("/refresh", headers=bearer(RIGHT))
        lower = await client.post("/refresh", headers={"authorization": f"bearer  {RIGHT} "})
        wrong = await client.post("/refresh", headers=bearer(RIGHT[:-1]))
        strange = await client.post("/refresh", headers=[(b"authorization", b"Bearer \xe9\xff")])
        none = await client.post("/refresh")

    assert (right.status_code, lower.status_code) == (200, 200)
    for refused in (wrong, strange):
        assert_problem(refused, 401, "operator-token-wrong")
        assert refused.headers["www-authenticate"] == "Bearer"
    assert_problem(none, 403, "operator-required")


async def test_without_a_token_nobody_elsewhere_may(make_client: MakeClient) -> None:
    """Where no token is set no token opens, and the answer says what to set."""
    async with make_client(peer=ELSEWHERE) as client:
        refused = await client.post("/refresh")
        assert_problem(refused, 403, "operator-required")
        assert "ISBITCOINLIT_OPERATOR_TOKEN" in refused.json()["detail"]
        for headers in (bearer(""), bearer("None")):
            refused = await client.post("/refresh", headers=headers)
            assert_problem(refused, 401, "operator-token-wrong")


@pytest.mark.parametrize("listens", ["::", "10.0.0.1", "btc.example"])
async def test_a_service_open_to_others_trusts_no_neighbour(app: Service, listens: str) -> None:
    """Where the service listens beyond loopback, callers on the same machine need the token too."""
    app.state.settings = app.state.settings.model_copy(update={"host": listens})
    async with client_of(app) as client:
        assert_problem(await client.post("/refresh"), 403, "operator-required")


async def test_a_wrong_token_is_refused_at_this_machine_too(make_client: MakeClient) -> None:
    """Who shows a token has to show the right one."""
    async with make_client(operator_token=RIGHT) as client:
        assert (await client.post("/refresh")).status_code == 200
        refused = await client.post("/refresh", headers=bearer("wrong"))

    assert_problem(refused, 401, "operator-token-wrong")

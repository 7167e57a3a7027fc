"""The answer in one line of text, and the answer with its reasons."""

from collections.abc import Callable

import httpx
import pytest
from asgi_lifespan import LifespanManager

from isbitcoinlit.redis_client import connect
from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import create_app
from tests.manual_clock import ManualClock
from tests.own_redis import own_redis
from tests.readings import NOON, GivenFeed, reading, readings
from tests.web.conftest import MakeClient, client_of
from tests.web.problem import assert_problem

pytestmark = pytest.mark.anyio

PATH = "/is-bitcoin-lit"
TEXT = {"accept": "text/plain"}


def hours(*values: tuple[float | None, float | None]) -> GivenFeed:
    """A feed with one reading in each of the hours that end with noon's."""
    first = 1 - len(values)
    return GivenFeed([reading(3_600 * (first + i) + 600, *both) for i, both in enumerate(values)])


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ([(1, 0.1), (2, 0.2), (3, 0.3)], "yes price and sentiment rising over the last 3 hours"),
        (
            [(3, 0.1), (2, 0.2), (1, 0.3)],
            "no price falling, sentiment rising over the last 3 hours",
        ),
        ([(1, 0.1), (2, 0.1), (3, 0.1)], "no price rising, sentiment flat over the last 3 hours"),
        ([(1, 0.1), (2, 0.2), (3, None)], "yes price and sentiment rising over the last 2 hours"),
        ([(1, None), (2, None), (3, 0.3)], "unknown too few hours with both price and sentiment"),
    ],
)
async def test_one_line(
    make_client: MakeClient,
    feed: GivenFeed,
    given: list[tuple[float | None, float | None]],
    line: str,
) -> None:
    """Yes, no or unknown, a space and the reason, in fewer than 100 bytes."""
    feed.answers = hours(*given).answers
    async with make_client() as client:
        response = await client.get(PATH, params={"format": "text"})

    assert response.text == f"{line}\n"
    assert len(response.content) < 100
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_stale_line(client: httpx.AsyncClient, clock: ManualClock) -> None:
    """What was true when the newest reading was new is no answer now."""
    clock.advance(600)
    response = await client.get(PATH, headers=TEXT)

    assert response.text == "unknown newest reading known is of 2021-07-07 12:09 UTC\n"


async def test_no_line(make_client: MakeClient, feed: GivenFeed) -> None:
    """Without any reading the line says so, with the status of the problem."""
    feed.answers = [[]]
    async with make_client() as client:
        response = await client.get(PATH, headers=TEXT)

    assert (response.status_code, response.text) == (503, "unknown there is no reading to go by\n")
    assert int(response.headers["retry-after"]) > 0


async def test_no_line_without_redis(
    settings: Callable[..., Settings], feed: GivenFeed, clock: ManualClock
) -> None:
    """Data that cannot be reached is not called absent; and the last answer does not claim more."""
    with own_redis() as server:
        async with connect(server.url) as redis:
            server.stop()
            app = create_app(settings(refresh_interval=3_600), redis=redis, feed=feed, clock=clock)
            async with LifespanManager(app), client_of(app) as client:
                away = await client.get(PATH, headers=TEXT)
                server.start()
                await app.state.resources.refresher.force()
                server.stop()
                clock.advance(121)
                last = await client.get(PATH, headers=TEXT)

    assert away.status_code == 503
    assert away.text == "unknown the data cannot be reached just now\n"
    assert len(away.content) < 100
    assert last.text == "unknown newest reading known is of 2021-07-07 12:09 UTC\n"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/plain", "text/plain"),
        ("text/plain, application/json;q=0.9", "text/plain"),
        ("text/*", "text/plain"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/plain;q=nonsense", "application/json"),
    ],
)
async def test_what_a_client_accepts(client: httpx.AsyncClient, accept: str, form: str) -> None:
    """Text goes to whoever prefers it; a tie, and whoever takes anything, gets JSON."""
    response = await client.get(PATH, headers={"accept": accept})

    assert response.headers["content-type"].startswith(form)
    assert response.headers["vary"] == "Accept"


async def test_the_query_is_stronger(client: httpx.AsyncClient) -> None:
    """`?format=` overrides the header; what is no format is refused."""
    json = await client.get(PATH, params={"format": "json"}, headers=TEXT)

    assert json.json()["feed"] == "given"
    assert_problem(await client.get(PATH, params={"format": "xml"}), 422, "invalid-request")


async def test_each_form_has_its_tag(client: httpx.AsyncClient) -> None:
    """A tag of one form is none of the other, and each is answered with 304."""
    json, text = await client.get(PATH), await client.get(PATH, headers=TEXT)
    tag = {"if-none-match": text.headers["etag"]}

    assert json.headers["etag"] != text.headers["etag"]
    assert (await client.get(PATH, headers={**TEXT, **tag})).status_code == 304
    assert (await client.get(PATH, headers=tag)).status_code == 200


async def test_why(client: httpx.AsyncClient) -> None:
    """`?explain=true` adds what was compared, by how much it changed, and from how much data."""
    plain = (await client.get(PATH)).json()
    response = await client.get(PATH, params={"explain": "true"})
    body = response.json()
    why = body.pop("explanation")
    first, _, last = plain["hourly_average_of_averages"]

    assert body == plain
    assert why["verdict"] == "not lit"
    assert why["reason"] == "price rising, sentiment falling over the last 3 hours"
    assert why["price"]["from"] == {"time": first["time"], "value": first["price"]}
    assert why["price"]["to"] == {"time": last["time"], "value": last["price"]}
    assert why["price"]["change"] == last["price"] - first["price"]
    assert why["price"]["change_percent"] == pytest.approx(
        100 * (last["price"] - first["price"]) / first["price"]
    )
    assert why["sentiment"]["change"] == last["sentiment"] - first["sentiment"]
    assert [each["coverage"] for each in why["coverage"]] == [1, 1, 1]
    assert why["thresholds"] == {"rising_above": 0, "stale_after_seconds": 600}


async def test_half_of_the_readings(make_client: MakeClient, feed: GivenFeed) -> None:
    """Coverage is the share of the readings that an hour could have had."""
    feed.answers = [readings(130, first=-7_200, step=60)]
    async with make_client(refresh_interval=30) as client:
        why = (await client.get(PATH, params={"explain": "1"})).json()["explanation"]

    assert [each["coverage"] for each in why["coverage"]] == [0.5, 0.5, 0.556]


async def test_nothing_to_compare(make_client: MakeClient, feed: GivenFeed) -> None:
    """What cannot be compared is null, and the direction flat."""
    feed.answers = [[reading(0, 34_000.0, None)]]
    async with make_client() as client:
        why = (await client.get(PATH, params={"explain": "true"})).json()["explanation"]

    nothing = {"direction": "flat", "from": None, "to": None, "change": None}
    assert why["sentiment"] == {**nothing, "change_percent": None}
    assert why["verdict"] == "unknown"
    assert why["coverage"][-1]["time"] == NOON.isoformat()

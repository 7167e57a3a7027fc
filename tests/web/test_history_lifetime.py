"""How long answers about the past are good, here and for whoever asked."""

from collections.abc import Callable

import httpx
import pytest
from asgi_lifespan import LifespanManager
from redis.asyncio import Redis

from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from tests.readings import GivenFeed, reading, readings
from tests.web.conftest import client_of

pytestmark = pytest.mark.anyio

PATH = "/api/v1/series"
GIVEN = readings(400, first=-11_400)
"""What the feed gave."""


@pytest.mark.parametrize("path", [PATH, "/api/v1/candles", "/api/v1/readings"])
async def test_only_what_is_over_and_fixed_is_immutable(
    client: httpx.AsyncClient, path: str
) -> None:
    """An address that means another range tomorrow is not kept for ever, however old its range."""
    fixed = await client.get(path, params={"from": "2021-07-01", "to": "2021-07-02"})
    relative = await client.get(path, params={"from": "now-8d", "to": "now-7d"})
    mixed = await client.get(path, params={"from": "2021-06-01", "to": "now-7d"})

    assert "immutable" in fixed.headers["cache-control"]
    assert "immutable" not in relative.headers["cache-control"]
    assert "immutable" not in mixed.headers["cache-control"]


async def test_whichever_feed_speaks_is_not_for_ever(
    settings: Callable[..., Settings], redis: Redis
) -> None:
    """Where another feed may speak tomorrow, only an address that names its feed is immutable."""
    fields = {"feed": "senticrypt,demo", "senticrypt_url": "http://127.0.0.1:9/none"}
    app = create_app(settings(refresh_interval=3_600, **fields), redis=redis)
    asked = {"from": "2021-07-01", "to": "2021-07-02"}
    async with LifespanManager(app), client_of(app) as client:
        unnamed = await client.get(PATH, params=asked)
        named = await client.get(PATH, params={**asked, "feed": "demo"})

    assert "immutable" not in unnamed.headers["cache-control"]
    assert "immutable" in named.headers["cache-control"]


async def test_an_answer_in_memory_is_the_same_answer(client: httpx.AsyncClient) -> None:
    """The second answer has the bytes and tag of the first one, and its tag is answered by 304."""
    first = await client.get(PATH)
    second = await client.get(PATH)
    third = await client.get(PATH, headers={"if-none-match": first.headers["etag"]})

    assert second.content == first.content
    assert (third.status_code, third.content) == (304, b"")
    assert first.headers["etag"] == second.headers["etag"] == third.headers["etag"]
    assert (third.headers["vary"], "content-type" in third.headers) == ("Accept", False)


async def test_the_form_that_is_asked_for_is_not_mixed_up(client: httpx.AsyncClient) -> None:
    """One address has an answer in memory for each `Accept`."""
    json = await client.get(PATH)
    text = await client.get(PATH, headers={"accept": "text/csv"})
    again = await client.get(PATH)

    assert text.text.startswith("time,")
    assert again.content == json.content


async def test_a_late_reading_shows_at_once(
    app: Service, client: httpx.AsyncClient, feed: GivenFeed
) -> None:
    """What memory holds is not sent any more when a reading has come that it does not know of."""
    asked = {"from": "2021-07-07T04:00", "to": "2021-07-07T06:00"}
    before = (await client.get(PATH, params=asked)).json()["data"]
    feed.answers = [[*GIVEN, reading(-7 * 3_600, 99.0, 0.5)]]

    await app.state.resources.refresher.force()

    after = (await client.get(PATH, params=asked)).json()["data"]
    assert [row["price"] for row in before] == [None, None]
    assert [row["price"] for row in after] == [None, 99.0]


async def test_pages_of_readings_are_linked_in_their_form(client: httpx.AsyncClient) -> None:
    """The `Link` of a CSV leads to more CSV, which goes on after its last reading."""
    first = await client.get("/api/v1/readings", params={"format": "csv", "limit": "3", "ts": "ms"})
    more = await client.get(first.request.url.join(first.links["next"]["url"]))

    assert more.headers["content-type"] == first.headers["content-type"]
    assert first.text.splitlines()[0] == more.text.splitlines()[0]
    last, following = first.text.splitlines()[-1], more.text.splitlines()[1]
    assert int(last.split(",")[0]) + 30_000 == int(following.split(",")[0])

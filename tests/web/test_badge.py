"""`/badge.svg` and `/badge.json`: the verdict for a README."""

import httpx
import pytest
from defusedxml import ElementTree

from tests.manual_clock import ManualClock
from tests.readings import GivenFeed, reading
from tests.web.conftest import MakeClient

pytestmark = pytest.mark.anyio

BADGES = ("/badge.svg", "/badge.json")


@pytest.fixture
def feed(request: pytest.FixtureRequest) -> GivenFeed:
    """A feed of three hours, by default with price and sentiment rising by so much an hour."""
    price, sentiment = getattr(request, "param", (100, 0.1))
    return GivenFeed(
        [
            reading(3_600 * hour + 600, 34_000 + price * hour, sentiment * hour)
            for hour in (-2, -1, 0)
        ]
    )


async def test_the_shields_format(client: httpx.AsyncClient) -> None:
    """The JSON has exactly the keys that an endpoint badge has to have, and a colour."""
    response = await client.get("/badge.json")

    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "schemaVersion": 1,
        "label": "bitcoin",
        "message": "lit",
        "color": "#c2410c",
    }


@pytest.mark.parametrize(
    ("feed", "message"),
    [((100, 0.1), "lit"), ((-100, 0.1), "not lit"), ((100, 0), "not lit")],
    indirect=["feed"],
)
async def test_the_verdict(client: httpx.AsyncClient, message: str) -> None:
    """Both badges say what the snapshot does."""
    assert await messages(client) == [message] * 2


async def test_a_stale_answer(client: httpx.AsyncClient, clock: ManualClock) -> None:
    """When the newest reading is too old, the badge says no more than that."""
    fresh = await client.get("/badge.svg")
    clock.advance(600)

    assert await messages(client) == ["stale"] * 2
    condition = {"if-none-match": fresh.headers["etag"]}
    assert (await client.get("/badge.svg", headers=condition)).status_code == 200


@pytest.mark.parametrize("path", BADGES)
async def test_it_is_kept_and_asked_for_again(client: httpx.AsyncClient, path: str) -> None:
    """Caches may keep a badge for a while, and then ask whether it is still the same."""
    full = await client.get(path)
    again = await client.get(path, headers={"if-none-match": full.headers["etag"]})

    assert full.headers["cache-control"].startswith("public, max-age=")
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == full.headers["etag"]
    assert (await client.head(path)).headers["etag"] == full.headers["etag"]


@pytest.mark.parametrize("path", BADGES)
async def test_without_a_reading(make_client: MakeClient, feed: GivenFeed, path: str) -> None:
    """Where there is no data the badge says so; an error would be a broken image."""
    feed.answers = [[]]
    async with make_client() as client:
        response = await client.get(path)

    assert response.status_code == 200
    assert "no data" in response.text
    assert response.headers["cache-control"] == "public, max-age=60"


async def messages(client: httpx.AsyncClient) -> list[str]:
    """What both badges say."""
    image, document = [await client.get(path) for path in BADGES]
    assert image.headers["content-type"] == "image/svg+xml"
    drawn = ElementTree.fromstring(image.text)
    return [drawn.attrib["aria-label"].removeprefix("bitcoin: "), document.json()["message"]]

"""`GET /` as the server sends it, its files, and the API's viewer."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager

from isbitcoinlit.web import assets
from isbitcoinlit.web.app import Service
from tests.manual_clock import ManualClock
from tests.readings import GivenFeed, readings
from tests.web.conftest import MakeClient, client_of
from tests.web.problem import assert_problem

pytestmark = pytest.mark.anyio

KILOBYTES = 100
"""Compressed weight that the page stays below, its chart library included."""
HOSTILE = "</script><script>alert`1`</script>\"<!--&'"


def text_of(html: str, identity: str) -> str:
    """What an element holds."""
    element = re.compile(rf'id="{identity}"[^>]*>(.*?)</(?:p|time|tbody|b|script|dd)>', re.DOTALL)
    found = element.search(html)
    assert found, identity
    return found[1]


async def test_the_answer_needs_no_script(client: httpx.AsyncClient) -> None:
    """The verdict, its reason, its age and the three hours are in the HTML that is sent."""
    page = await client.get("/")

    assert text_of(page.text, "verdict") == "Not lit"
    assert text_of(page.text, "reason") == "price rising, sentiment falling over the last 3 hours"
    assert text_of(page.text, "as-of") == "5 minutes ago"
    assert text_of(page.text, "hours-rows").count("<tr>") == 3
    assert text_of(page.text, "readings") == "400"
    assert 'data-stale="false"' in page.text


async def test_a_stale_answer(client: httpx.AsyncClient, clock: ManualClock) -> None:
    """When the newest reading is too old, the page says so and gives no verdict."""
    clock.advance(600)
    page = await client.get("/")

    assert text_of(page.text, "verdict") == "Unknown"
    assert text_of(page.text, "stale") == "Stale: the newest reading is of 2021-07-07 12:09 UTC."
    assert 'data-stale="true"' in page.text
    assert not re.search(r'id="stale"[^>]*hidden', page.text)


async def test_without_a_reading(make_client: MakeClient, feed: GivenFeed) -> None:
    """Without any reading there is a page all the same, which says so."""
    feed.answers = [[]]
    async with make_client() as client:
        page = await client.get("/")

    assert page.status_code == 200
    assert text_of(page.text, "verdict") == "Unknown"
    assert "has not given a reading yet" in text_of(page.text, "reason")
    assert json.loads(text_of(page.text, "state"))["snapshot"] is None


async def test_nobody_else_is_asked(client: httpx.AsyncClient) -> None:
    """The policy lets the page load, connect to and be framed by nothing but itself."""
    for path in ("/", "/docs"):
        response = await client.get(path)
        policy = response.headers["content-security-policy"].split("; ")

        assert "default-src 'none'" in policy
        assert {"script-src 'self'", "style-src 'self'", "connect-src 'self'"} <= {*policy}
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in response.headers["content-security-policy"]
        loaded = re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="([^"]+)"', response.text)
        assert loaded
        assert all(name.startswith("assets/") for name in loaded)


async def test_files_are_kept_for_ever(client: httpx.AsyncClient) -> None:
    """What lies under the hash of all files never changes, so it is never asked for again."""
    name = re.search(r"assets/\w+/page\.js", (await client.get("/")).text)
    assert name
    kept = await client.get(f"/{name[0]}")
    old = await client.get("/assets/of-an-older-version/page.js")

    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-encoding"] == "gzip"
    assert kept.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (old.headers["cache-control"], old.content) == ("no-cache", kept.content)


async def test_a_client_that_takes_no_gzip(client: httpx.AsyncClient) -> None:
    """It gets the same file as it is."""
    packed = await client.get("/assets/x/page.css")
    plain = await client.get("/assets/x/page.css", headers={"accept-encoding": "identity"})

    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("name", ["page.html", "docs.html", "nothing.js", "..%2fapp.py", "vendor"])
async def test_other_files_are_not_served(client: httpx.AsyncClient, name: str) -> None:
    """Templates, and whatever lies elsewhere, are no assets."""
    response = await client.get(f"/assets/x/{name}")

    assert response.status_code == 404


async def test_hostile_words(make_app: Callable[..., Service], feed: GivenFeed) -> None:
    """Whatever a feed or a client calls itself is text on the page, and in its state."""
    feed.name = HOSTILE
    app = make_app()
    async with LifespanManager(app), client_of(app) as client:
        page = (await client.get("/", headers={"host": '"><script>alert(2)</script>'})).text

    assert "alert" in page
    assert "<script>alert" not in page
    assert json.loads(text_of(page, "state"))["snapshot"]["feed"] == HOSTILE


async def test_the_page_is_light(client: httpx.AsyncClient) -> None:
    """All that a first visit loads has less than 100 kB, compressed as it is sent."""
    page = await client.get("/")
    version = re.search(r"assets/(\w+)/", page.text)
    assert version
    names = ["page.css", "page.js", "live.js", "chart.js", "verdict.js", "icon.svg"]
    if assets.Assets().get("lightweight-charts.js"):
        names.append("lightweight-charts.js")
    weight = len(gzip.compress(page.content))
    for name in names:
        weight += int((await client.get(f"/assets/{version[1]}/{name}")).headers["content-length"])

    assert weight < KILOBYTES * 1_000


async def test_a_clone_that_could_not_build(
    make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without other people's files the page and the documentation say what is missing."""
    monkeypatch.setattr(assets, "_VENDOR", tmp_path)
    async with make_client() as client:
        page, docs = await client.get("/"), await client.get("/docs")

    assert 'data-chart="absent"' in page.text
    assert "came without the chart" in page.text
    assert text_of(page.text, "verdict") == "Not lit"
    assert "came without the viewer" in docs.text
    assert 'href="openapi.json"' in docs.text


@pytest.mark.parametrize("path", ["/is-bitcoin-lit/", "/docs/", "/refresh/", "/api/v1/stream/"])
async def test_one_address_each(client: httpx.AsyncClient, path: str) -> None:
    """With a slash at its end a path is another one, and there is nothing there."""
    assert_problem(await client.get(path), 404, "not-found")


async def test_what_the_chart_asks_for(client: httpx.AsyncClient, feed: GivenFeed) -> None:
    """The series has a row for every step, with nulls where nothing was read."""
    rows = (await client.get("/api/v1/series?from=now-24h&interval=5m")).json()["data"]

    assert [row["price"] for row in rows[:2]] == [None, None]
    assert rows[-1]["price"] is None
    assert sum(row["price"] is not None for row in rows) == len(readings(400)) // 10
    assert feed.pulls == 1

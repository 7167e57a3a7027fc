"""The hot path and the route answer the same, byte for byte."""

from collections.abc import Sequence

import httpx
import pytest

from isbitcoinlit.web.app import Service
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

PATH = "/is-bitcoin-lit"

Headers = Sequence[tuple[str, str]]


async def both(
    app: Service, client: httpx.AsyncClient, method: str, headers: Headers
) -> list[tuple[int, list[tuple[bytes, bytes]], bytes]]:
    """What the hot path and the route answer to one request.

    But for the number of requests left, which each request changes.
    """
    answers = []
    hot_path = app.hot_path
    for way in (hot_path, None):
        app.hot_path = way
        response = await client.request(method, PATH, headers=[*headers, ("x-request-id", "same")])
        sent = sorted(pair for pair in response.headers.raw if pair[0] != b"x-ratelimit-remaining")
        answers.append((response.status_code, sent, response.content))
    app.hot_path = hot_path
    return answers


@pytest.mark.parametrize(
    ("method", "headers", "after"),
    [
        ("GET", [], 0),
        ("HEAD", [], 0),
        ("OPTIONS", [], 0),
        ("POST", [], 0),
        ("get", [], 0),
        ("GET", [], 59.9),
        ("GET", [], 119.9),
        ("GET", [("if-none-match", "*")], 0),
        ("HEAD", [("if-none-match", "*")], 0),
        ("GET", [("if-none-match", '"other"')], 0),
        ("GET", [("if-none-match", "")], 0),
        ("GET", [("if-none-match", '"a"'), ("if-none-match", "*")], 0),
        ("GET", [("accept", "text/html")], 0),
        ("GET", [("range", "bytes=0-3")], 0),
        ("GET", [("origin", "https://page.example")], 0),
        ("GET", [("accept-encoding", "gzip")], 0),
        ("GET", [("if-modified-since", "Wed, 07 Jul 2021 12:09:30 GMT")], 0),
        ("GET", [("x-request-id", "mine")], 0),
        ("GET", [("host", "[")], 0),
    ],
)
async def test_both_ways_answer_the_same(
    app: Service,
    client: httpx.AsyncClient,
    clock: ManualClock,
    method: str,
    headers: Headers,
    after: float,
) -> None:
    """Status, headers and body are those that the route gives."""
    clock.advance(after)

    hot, route = await both(app, client, method, headers)

    assert hot == route


async def test_the_tag_matches_both_ways(app: Service, client: httpx.AsyncClient) -> None:
    """A tag that is the second of two headers is found, both ways."""
    etag = (await client.get(PATH)).headers["etag"]

    hot, route = await both(app, client, "GET", [("if-none-match", '"a"'), ("if-none-match", etag)])

    assert hot == route
    assert hot[0] == 304


@pytest.mark.parametrize("way", ["hot path", "route"])
async def test_an_id_that_is_not_fit_for_a_log_is_replaced(
    app: Service, client: httpx.AsyncClient, way: str
) -> None:
    """A caller's request id comes back only if no header or log line can be forged with it."""
    if way == "route":
        app.hot_path = None

    async def given(sent: str) -> str:
        response = await client.get(PATH, headers={"x-request-id": sent})
        return response.headers["x-request-id"]

    assert await given("mine.1_2-3") == "mine.1_2-3"
    for bad in ("", "a b", "x" * 129, "a\tb", '"'):
        assert await given(bad) not in ("", bad)

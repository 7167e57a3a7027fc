"""The HTTP that all feeds share: statuses, retries, redirects, and the sentences about them."""

from collections.abc import AsyncIterator

import httpx
import pytest
import respx

from isbitcoinlit import __version__
from isbitcoinlit.errors import FeedUnavailable, SettingsError
from isbitcoinlit.feeds.http import fetch, open_client, retry_after
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

URL = "https://feed.example/v1/bitcoin.json"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The client that feeds use."""
    async with open_client() as client:
        yield client


@pytest.fixture
def route(respx_mock: respx.MockRouter) -> respx.Route:
    """What the played server answers."""
    return respx_mock.get(URL)


async def failure(client: httpx.AsyncClient, clock: ManualClock, url: str = URL) -> FeedUnavailable:
    """The error of a request."""
    with pytest.raises(FeedUnavailable) as raised:
        await fetch(client, url, clock=clock)
    return raised.value


async def test_a_request_says_who_asks(
    client: httpx.AsyncClient, route: respx.Route, clock: ManualClock
) -> None:
    """A request names the service, its version, and where to complain."""
    await fetch(client, URL, clock=clock)

    contact = "(+https://github.com/isbitcoinlit/isbitcoinlit)"
    expected = f"isbitcoinlit/{__version__} {contact}"
    assert route.calls.last.request.headers["User-Agent"] == expected


@pytest.mark.parametrize("status", [500, 502, 503, 520])
async def test_a_server_error_is_tried_twice(
    client: httpx.AsyncClient, route: respx.Route, clock: ManualClock, status: int
) -> None:
    """A 5xx is tried once more, and then the feed is unavailable."""
    route.respond(status)

    assert str(await failure(client, clock)).startswith(f"feed.example answered {status}")
    assert route.call_count == 2


async def test_a_passing_server_error_is_not_noticed(
    client: httpx.AsyncClient, route: respx.Route, clock: ManualClock
) -> None:
    """A 500 that is followed by a good answer costs nothing but the retry."""
    route.side_effect = [httpx.Response(500), httpx.Response(200, content=b"[]")]

    answer = await fetch(client, URL, clock=clock)

    assert (answer.status, answer.body) == (200, b"[]")


@pytest.mark.parametrize("status", [300, 302, 400, 404, 410, 429])
async def test_other_statuses_are_not_tried_again(
    client: httpx.AsyncClient, route: respx.Route, clock: ManualClock, status: int
) -> None:
    """A status that will be the same a moment later is asked for once."""
    route.respond(status)

    await failure(client, clock)

    assert route.call_count == 1


async def test_a_sentence_names_the_status(
    client: httpx.AsyncClient, route: respx.Route, clock: ManualClock
) -> None:
    """The error is a sentence with the upstream's name and the status in words."""
    route.respond(404)

    assert str(await failure(client, clock)) == "feed.example answered 404 Not Found."


@pytest.mark.parametrize("status", [429, 503])
async def test_a_time_to_come_back_is_honoured(
    client: httpx.AsyncClient, route: respx.Route, clock: ManualClock, status: int
) -> None:
    """`Retry-After` comes with the error, and then nothing is tried again at once."""
    route.respond(status, headers={"Retry-After": "60"})

    assert (await failure(client, clock)).retry_after == 60.0
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("9" * 5_000, 3600.0),
        ("Wed, 07 Jul 2021 17:31:30 GMT", 90.0),
        ("Wed, 07 Jul 2021 17:31:30 -0000", 90.0),
        ("Wed, 07 Jul 2021 17:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 99 Foo 2021 99:99:99 GMT", None),
        ("", None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_retry_after_is_read(clock: ManualClock, value: str, expected: float | None) -> None:
    """`Retry-After` is seconds or a date, held between 0 and an hour, ignored when unreadable."""
    assert retry_after(value, clock) == expected


async def test_a_redirect_is_followed(
    client: httpx.AsyncClient, respx_mock: respx.MockRouter, clock: ManualClock
) -> None:
    """What has moved is found at its new address."""
    respx_mock.get(URL).respond(301, headers={"Location": "https://new.example/b.json"})
    respx_mock.get("https://new.example/b.json").respond(content=b"[]")

    assert (await fetch(client, URL, clock=clock)).body == b"[]"


async def test_endless_redirects_end(
    client: httpx.AsyncClient, route: respx.Route, clock: ManualClock
) -> None:
    """After five redirects the feed is unavailable."""
    route.respond(302, headers={"Location": URL})

    assert str(await failure(client, clock)) == "feed.example redirects more than 5 times."
    assert route.call_count == 6


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate"])
async def test_an_unknown_encoding_is_refused(
    client: httpx.AsyncClient, route: respx.Route, clock: ManualClock, encoding: str
) -> None:
    """Only what was asked for is decompressed: gzip, once."""
    stream = httpx.ByteStream(b"whatever")
    route.mock(httpx.Response(200, headers={"Content-Encoding": encoding}, stream=stream))

    await failure(client, clock)

    assert route.calls.last.request.headers["Accept-Encoding"] == "gzip"


async def test_sentences_keep_secrets(
    client: httpx.AsyncClient, respx_mock: respx.MockRouter, clock: ManualClock
) -> None:
    """User, password and query of the address are in no sentence."""
    respx_mock.get(host="feed.example").respond(401)

    error = await failure(client, clock, "https://me:hunter2@feed.example:8443/x?key=hunter3")

    assert str(error) == "feed.example:8443 answered 401 Unauthorized."


@pytest.mark.parametrize("url", ["http://me:hunter/2@feed.example/", "http://[::1/", "http://"])
async def test_an_address_that_is_none_is_unavailable(
    client: httpx.AsyncClient, clock: ManualClock, url: str
) -> None:
    """An address that cannot be asked gives a sentence that does not repeat it."""
    assert "hunter" not in str(await failure(client, clock, url))


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPS_PROXY", "gopher://me:hunter2@proxy.example"), ("SSL_CERT_FILE", "/no/such/file")],
)
def test_an_unusable_environment_is_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Proxy and certificate variables that cannot be used refuse to start, in a sentence."""
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=name) as raised:
        open_client()

    assert "hunter" not in str(raised.value)

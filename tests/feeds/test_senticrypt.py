"""SentiCrypt's feed against everything that an HTTP server may answer."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
import respx

from isbitcoinlit.errors import FeedError, FeedInvalid
from isbitcoinlit.feeds.senticrypt import SentiCrypt
from isbitcoinlit.models import Reading
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

URL = "https://feed.example/v1/bitcoin.json"
BODY = b'[{"timestamp":1625592626.3452034,"mean":0.2,"btc_price":"33885.23"}]'
OTHER_BODY = BODY.replace(b"0.2", b"0.3")
READING = Reading(
    datetime(2021, 7, 6, 17, 30, 26, 345_000, tzinfo=UTC), price=33885.23, sentiment=0.2
)
VALIDATORS = {"ETag": '"a1"', "Last-Modified": "Wed, 07 Jul 2021 17:29:58 GMT"}


@pytest.fixture
async def feed(clock: ManualClock) -> AsyncIterator[SentiCrypt]:
    """A feed that asks the played server."""
    feed = SentiCrypt(URL, clock)
    yield feed
    await feed.aclose()


@pytest.fixture
def route(respx_mock: respx.MockRouter) -> respx.Route:
    """What the played server answers."""
    return respx_mock.get(URL)


async def failure(feed: SentiCrypt) -> FeedError:
    """The error of a pull."""
    with pytest.raises(FeedError) as raised:
        await feed.pull()
    return raised.value


async def test_a_good_answer_gives_its_readings(feed: SentiCrypt, route: respx.Route) -> None:
    """A pull gives the rows of the body as readings."""
    route.respond(content=BODY)

    pull = await feed.pull()

    assert pull.readings == (READING,)
    assert (pull.fetched, pull.rejected) == (1, {})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<html>Just a moment</html>", "SentiCrypt sent a page of HTML or XML"),
        (BODY[:-9], "SentiCrypt sent 59 bytes that are not JSON"),
        (b"", "SentiCrypt sent 0 bytes that are not JSON"),
        (b"null", "SentiCrypt sent null"),
        (b"{}", "SentiCrypt sent an object"),
        (b"[]", "SentiCrypt sent an empty list"),
        (b"[" * 100_000, "SentiCrypt sent JSON that is nested too deeply"),
        (b'[{"timestamp":0}]', "SentiCrypt sent 1 rows, none of them usable: 1 time-out-of-range"),
    ],
    ids=lambda value: str(value[:20]),
)
async def test_rubbish_is_invalid(
    feed: SentiCrypt, route: respx.Route, content: bytes, sentence: str
) -> None:
    """A 200 that is not a feed is invalid, is not tried again, and leaves no condition behind."""
    route.respond(content=content, headers=VALIDATORS)

    error = await failure(feed)

    assert isinstance(error, FeedInvalid)
    assert str(error).startswith(sentence)
    assert route.call_count == 1
    assert isinstance(await failure(feed), FeedInvalid)
    assert "If-None-Match" not in route.calls.last.request.headers


async def test_an_unchanged_feed_gives_its_readings_again(
    feed: SentiCrypt, route: respx.Route
) -> None:
    """The validators come back as conditions, and a 304 gives the last readings again."""
    route.side_effect = [httpx.Response(200, content=BODY, headers=VALIDATORS), httpx.Response(304)]

    first, second = await feed.pull(), await feed.pull()

    assert second is first
    headers = route.calls.last.request.headers
    assert headers["If-None-Match"] == VALIDATORS["ETag"]
    assert headers["If-Modified-Since"] == VALIDATORS["Last-Modified"]


async def test_rubbish_in_between_does_not_lose_the_readings(
    feed: SentiCrypt, route: respx.Route
) -> None:
    """After a good answer and a bad one, a 304 still means the good one."""
    route.side_effect = [
        httpx.Response(200, content=BODY, headers=VALIDATORS),
        httpx.Response(200, content=b"{}", headers={"ETag": '"bad"'}),
        httpx.Response(304),
    ]

    first = await feed.pull()
    await failure(feed)

    assert await feed.pull() is first
    assert route.calls.last.request.headers["If-None-Match"] == VALIDATORS["ETag"]


async def test_a_304_to_no_condition_is_invalid(feed: SentiCrypt, route: respx.Route) -> None:
    """A 304 that nobody asked for is not taken for a feed."""
    route.respond(304)

    assert isinstance(await failure(feed), FeedInvalid)


async def test_the_same_body_is_not_parsed_again(feed: SentiCrypt, route: respx.Route) -> None:
    """Without validators, the same body gives the same pull, and another body another."""
    route.side_effect = [httpx.Response(200, content=c) for c in (BODY, BODY, OTHER_BODY)]

    first, second, third = await feed.pull(), await feed.pull(), await feed.pull()

    assert second is first
    assert [reading.sentiment for reading in third.readings] == [0.3]


async def test_what_was_in_the_future_is_read_when_it_is_not(
    feed: SentiCrypt, route: respx.Route, clock: ManualClock
) -> None:
    """A body with a reading of the future is asked for and read again, until its time comes."""
    route.respond(content=BODY[:-1] + b"," + BODY[1:].replace(b"25", b"26"), headers=VALIDATORS)
    clock.advance(-86_400)

    early = await feed.pull()
    clock.advance(20 * 86_400)
    late = await feed.pull()

    assert (len(early.readings), early.rejected) == (1, {"time-in-future": 1})
    assert (len(late.readings), late.rejected) == (2, {})
    assert "If-None-Match" not in route.calls.last.request.headers


async def test_validators_that_cannot_be_sent_are_dropped(
    feed: SentiCrypt, route: respx.Route
) -> None:
    """A validator that is not ASCII, or very long, is not sent back."""
    headers = [(b"ETag", b'"\xe9"'), (b"Last-Modified", b"x" * 5_000)]
    route.respond(content=BODY, headers=headers)

    await feed.pull()
    await feed.pull()

    assert "If-None-Match" not in route.calls.last.request.headers
    assert "If-Modified-Since" not in route.calls.last.request.headers

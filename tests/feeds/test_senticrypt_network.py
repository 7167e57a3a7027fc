"""SentiCrypt's feed against servers that misbehave below HTTP, on real sockets."""

import asyncio
import gzip
import tracemalloc
from collections.abc import Iterator

import pytest

from isbitcoinlit.errors import FeedError, FeedInvalid, FeedUnavailable
from isbitcoinlit.feeds.http import Limits
from isbitcoinlit.feeds.senticrypt import SentiCrypt
from tests.feeds.upstream import Speak, upstream
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

LIMITS = Limits(connect=2, read=2, total=4, body=1_000_000)
BODY = b'[{"timestamp":1625592626.3452034,"mean":0.2,"btc_price":"33885.23"}]'
MEGABYTES = b" " * 1_000_000


def head(*headers: str, status: str = "200 OK") -> bytes:
    """The start of an answer."""
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode()


async def failure(speak: Speak, clock: ManualClock, limits: Limits = LIMITS) -> FeedError:
    """The error of a pull from a server that answers in the given way."""
    async with upstream(speak) as url:
        feed = SentiCrypt(url, clock, limits)
        with pytest.raises(FeedError) as raised:
            await feed.pull()
        await feed.aclose()
    return raised.value


@pytest.fixture
def _memory() -> Iterator[None]:
    """Watches how much memory is taken."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_real_server_is_read(clock: ManualClock, encoding: str) -> None:
    """A feed on a real socket gives its readings, compressed or not."""
    body = BODY if encoding == "identity" else gzip.compress(BODY)

    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(head(f"Content-Length: {len(body)}", f"Content-Encoding: {encoding}") + body)

    async with upstream(speak) as url:
        feed = SentiCrypt(url, clock, LIMITS)
        pull = await feed.pull()
        await feed.aclose()

    assert [reading.price for reading in pull.readings] == [33885.23]


async def test_a_refused_connection_is_unavailable(clock: ManualClock) -> None:
    """Where nobody listens, the feed is unavailable, and the sentence says where."""

    async def speak(_writer: asyncio.StreamWriter) -> None:
        """Nobody is left to answer."""

    async with upstream(speak) as url:
        feed = SentiCrypt(url, clock, LIMITS)

    with pytest.raises(FeedUnavailable, match=r"^127\.0\.0\.1:\d+ cannot be reached: "):
        await feed.pull()
    await feed.aclose()


async def test_a_dropped_connection_is_tried_twice(clock: ManualClock) -> None:
    """A server that hangs up is asked once more, and then the feed is unavailable."""
    requests = 0

    async def speak(writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        writer.write(head("Content-Length: 100") + BODY)

    error = await failure(speak, clock)

    assert isinstance(error, FeedUnavailable)
    assert "broke (RemoteProtocolError)" in str(error)
    assert requests == 2


async def test_silence_is_unavailable(clock: ManualClock) -> None:
    """A server that accepts and says nothing is given up after the read limit, twice."""

    async def speak(_writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    error = await failure(speak, clock, Limits(read=0.05))

    assert isinstance(error, FeedUnavailable)
    assert str(error).endswith(" sent nothing for 0.05 s.")


async def test_a_trickling_body_ends(clock: ManualClock) -> None:
    """A body that never stops coming, byte by byte, is given up after the total limit, once."""
    requests = 0

    async def speak(writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        writer.write(head("Content-Length: 1000000"))
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.01)

    error = await failure(speak, clock, Limits(total=0.2))

    assert isinstance(error, FeedUnavailable)
    assert str(error).endswith(" did not finish within 0.2 s.")
    assert requests == 1


async def test_cancelling_a_pull_ends_it(clock: ManualClock) -> None:
    """A pull that waits for its answer ends as soon as it is cancelled, and is not retried."""
    asked = asyncio.Event()

    async def speak(_writer: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with upstream(speak) as url:
        feed = SentiCrypt(url, clock, LIMITS)
        pulling = asyncio.ensure_future(feed.pull())
        await asked.wait()
        pulling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pulling
        await feed.aclose()


@pytest.mark.usefixtures("_memory")
async def test_fifty_megabytes_are_not_taken(clock: ManualClock) -> None:
    """Of a body of 50 MB no more than the limit is taken, and the rest is not waited for."""
    written = 0

    async def speak(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(head("Content-Length: 50000000"))
        while written < 50_000_000:
            writer.write(MEGABYTES)
            await writer.drain()
            written += len(MEGABYTES)

    error = await failure(speak, clock)

    assert isinstance(error, FeedInvalid)
    assert str(error).endswith(" sent more than 1 MB.")
    assert written < 25_000_000
    assert tracemalloc.get_traced_memory()[1] < 10_000_000


@pytest.mark.usefixtures("_memory")
@pytest.mark.parametrize("status", ["200 OK", "302 Found"])
async def test_a_gzip_bomb_does_not_go_off(clock: ManualClock, status: str) -> None:
    """50 MB in a compressed body of 50 kB are not unpacked, and in a redirect not even read."""
    bomb = gzip.compress(MEGABYTES * 50)
    tracemalloc.reset_peak()

    async def speak(writer: asyncio.StreamWriter) -> None:
        headers = ("Content-Encoding: gzip", "Location: /again", f"Content-Length: {len(bomb)}")
        writer.write(head(*headers, status=status) + bomb)

    error = await failure(speak, clock)

    assert str(error).endswith((" sent more than 1 MB.", " redirects more than 5 times."))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000


@pytest.mark.parametrize("body", [BODY, gzip.compress(BODY)[:-9]], ids=["no gzip", "truncated"])
async def test_broken_compression_is_unavailable(clock: ManualClock, body: bytes) -> None:
    """A body that says it is compressed and cannot be unpacked is an error of the way."""

    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(head("Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)

    error = await failure(speak, clock)

    assert isinstance(error, FeedUnavailable)
    assert str(error).endswith(" sent a body that cannot be decompressed.")


@pytest.mark.parametrize("location", ["ftp://feed.example/", "http://me:hunter 2@:x/", "http://"])
async def test_a_redirect_to_nowhere_is_unavailable(clock: ManualClock, location: str) -> None:
    """A redirect to what is not an HTTP address is an error of the feed, in our words."""

    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(head(f"Location: {location}", "Content-Length: 0", status="302 Found"))

    error = await failure(speak, clock)

    assert isinstance(error, FeedUnavailable)
    assert "hunter" not in str(error)


async def test_what_is_not_http_is_unavailable(clock: ManualClock) -> None:
    """A server that speaks something else is an error of the feed."""

    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")

    assert isinstance(await failure(speak, clock), FeedUnavailable)

"""HTTP as every feed speaks it: time limits, a size limit, one retry, and one kind of error."""

import asyncio
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx
import stamina

from isbitcoinlit import __version__
from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import FeedInvalid, FeedMissing, FeedUnavailable, SettingsError

USER_AGENT = f"isbitcoinlit/{__version__} (+https://github.com/isbitcoinlit/isbitcoinlit)"
MAX_REDIRECTS = 5
LONGEST_RETRY_AFTER = 3600.0
"""Seconds; an upstream that asks for a longer pause is asked again after this one."""
_CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
"""Which header of an answer comes back in which header of the next request."""
_LONGEST_VALIDATOR = 1024
"""Characters; longer ones could make our requests too large for the upstream."""
_KEEPALIVE = 60.0
"""Seconds an idle connection is kept: two of the usual 30-second pulls, and no handshake each."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a feed may take, in seconds, and how much it may send, in bytes."""

    connect: float = 3
    read: float = 5
    """For each wait for more of the answer."""
    total: float = 10
    """For everything, redirects and the retry included, so that a trickling body ends."""
    body: int = 16_000_000
    """After decompression."""


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: success with its body, or 304 with none."""

    status: int
    headers: httpx.Headers
    body: bytes


class _WorthARetry(FeedUnavailable):
    """A failure that may be gone a moment later."""


def open_client(limits: Limits = LIMITS) -> httpx.AsyncClient:
    """The one long-lived client; who opens it closes it.

    Raises `SettingsError` when the environment's proxy or certificate variables are unusable.
    """
    try:
        return httpx.AsyncClient(
            # Only gzip, because `_body` decompresses with a bound, which httpx cannot.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(limits.read, connect=limits.connect),
            limits=httpx.Limits(keepalive_expiry=_KEEPALIVE),
        )
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        raise SettingsError(
            "The environment's proxy or certificate variables (HTTPS_PROXY, ALL_PROXY, "
            f"SSL_CERT_FILE, …) cannot be used: {type(error).__name__}."
        ) from None


async def fetch(
    client: httpx.AsyncClient,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    clock: Clock,
    limits: Limits = LIMITS,
) -> Answer:
    """What the address answers to a GET, a success or 304.

    Transport errors and 5xx are tried once more after 0.1 to 0.5 s, unless the upstream named a
    time to come back. Raises `FeedUnavailable` for everything that goes wrong on the way, with
    `retry_after` where the upstream gave one, and `FeedInvalid` for a body that is too large.
    """
    place = _place(url)

    async def once() -> Answer:
        with _translated(place, limits):
            request = client.build_request("GET", url, headers=headers)
            return await _follow(client, request, place, clock, limits)

    retrying = stamina.AsyncRetryingCaller(
        attempts=2, timeout=None, wait_initial=0.1, wait_jitter=0.4, wait_max=0.5
    )
    try:
        async with asyncio.timeout(limits.total):
            # A closure, because stamina logs arguments, and a URL may hold a password.
            return await retrying(_WorthARetry, once)
    except TimeoutError:
        raise FeedUnavailable(f"{place} did not finish within {limits.total:g} s.") from None


def _place(url: str) -> str:
    """The host and port of an address, for sentences: never its user, password or query."""
    try:
        return httpx.URL(url).netloc.decode("ascii") or "The feed"
    except httpx.InvalidURL:
        raise FeedUnavailable("The feed's address is not a URL.") from None


@contextmanager
def _translated(place: str, limits: Limits) -> Iterator[None]:
    """Foreign exceptions as ours; the text of theirs only where it cannot hold an address."""
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise FeedUnavailable(f"{place} cannot be asked: not an http(s):// address.") from None
    except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        sentence = f"{place} accepted no connection within {limits.connect:g} s."
        raise _WorthARetry(sentence) from error
    except httpx.TimeoutException as error:
        raise _WorthARetry(f"{place} sent nothing for {limits.read:g} s.") from error
    except httpx.ConnectError as error:
        raise _WorthARetry(f"{place} cannot be reached: {error}.") from error
    except (httpx.HTTPError, OSError) as error:
        sentence = f"The connection to {place} broke ({type(error).__name__})."
        raise _WorthARetry(sentence) from error
    except zlib.error as error:
        raise FeedUnavailable(f"{place} sent a body that cannot be decompressed.") from error


async def _follow(
    client: httpx.AsyncClient, request: httpx.Request, place: str, clock: Clock, limits: Limits
) -> Answer:
    """The answer at the end of the redirects.

    Not left to httpx, which reads the body of every redirect into memory, however large.
    """
    for _ in range(MAX_REDIRECTS + 1):
        sending = client.send(request, stream=True, follow_redirects=False)
        async with aclosing(await sending) as response:
            if response.next_request is None:
                return await _answer(response, place, clock, limits)
            request = response.next_request
    raise FeedUnavailable(f"{place} redirects more than {MAX_REDIRECTS} times.")


async def _answer(response: httpx.Response, place: str, clock: Clock, limits: Limits) -> Answer:
    """Status, headers and body of a success or 304; anything else raises."""
    status = response.status_code
    if status == HTTPStatus.NOT_MODIFIED:
        return Answer(status, response.headers, b"")
    if response.is_success:
        return Answer(status, response.headers, await _body(response, place, limits.body))
    wait = retry_after(response.headers.get("Retry-After", ""), clock)
    # The usual phrase for the status, since the upstream's own may say anything.
    sentence = f"{place} answered {status} {httpx.codes.get_reason_phrase(status)}".rstrip() + "."
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise FeedMissing(sentence, retry_after=wait)
    again = response.is_server_error and wait is None
    raise (_WorthARetry if again else FeedUnavailable)(sentence, retry_after=wait)


async def _body(response: httpx.Response, place: str, limit: int) -> bytes:
    """The body, decompressed; never more of it in memory than the limit and one chunk."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise FeedUnavailable(f"{place} sent a body in an encoding it was not asked for.")
    gunzip = None if encoding == "identity" else zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    body = bytearray()
    async for chunk in response.aiter_raw():
        room = limit + 1 - len(body)
        body += chunk if gunzip is None else gunzip.decompress(chunk, room)
        if max(len(body), response.num_bytes_downloaded) > limit:
            raise FeedInvalid(f"{place} sent more than {limit / 1e6:g} MB.")
    if gunzip is not None and not gunzip.eof:
        raise zlib.error("the compressed body ends too early")
    return bytes(body)


def conditions(headers: httpx.Headers) -> dict[str, str]:
    """Headers that ask the upstream to send the body only if it changed."""
    found = ((condition, headers.get(name, "")) for name, condition in _CONDITIONS.items())
    # Characters beyond ASCII are allowed in an answer but not in a request.
    return {
        condition: value
        for condition, value in found
        if value.isascii() and 0 < len(value) <= _LONGEST_VALIDATOR
    }


def retry_after(value: str, clock: Clock) -> float | None:
    """Seconds that a `Retry-After` header asks for, 0 to an hour; None where it is unreadable."""
    if re.fullmatch(r"[0-9]+", value):
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    # A date with the zone -0000 comes back naive; it means UTC.
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    seconds = (moment - clock.now()).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)

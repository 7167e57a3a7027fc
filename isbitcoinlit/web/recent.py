"""Answers about the past that were given a moment ago are given again, without the framework.

Charts and tickers ask for the same in the same words; understanding the words, and fetching the
answer from Redis, cost several times what sending it does.
"""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isbitcoinlit.limits.policy import Group
from isbitcoinlit.resources import Resources
from isbitcoinlit.web.groups import group_of
from isbitcoinlit.web.snapshot_response import Headers as RawHeaders
from isbitcoinlit.web.snapshot_response import matches

SECONDS = 1.0
"""How late an answer may be where another process stored the reading; never where this one did."""
MOST = 64
MOST_BYTES = 250_000
"""Of one body, so that all of them stay below 16 MB."""

_Words = tuple[str, bytes, str]
"""Path, query and `Accept`."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, and for how long it is one."""

    until: float
    forgotten: int
    headers: RawHeaders
    body: bytes
    etag: bytes | None


class RecentAnswers:
    """Remembers answers to `GET` about the past, word for word."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[_Words, _Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or group_of(scope["path"]) is not Group.HISTORY
        ):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        words = scope["path"], scope["query_string"], headers.get("accept", "")
        resources: Resources = scope["app"].state.resources
        kept = self._kept.get(words)
        if kept and self._is_good(kept, resources):
            await _give(kept, headers.get("if-none-match"), send)
        else:
            await self._app(scope, receive, self._watched(words, resources, send))

    @staticmethod
    def _is_good(kept: _Kept, resources: Resources) -> bool:
        now = resources.clock.monotonic()
        return now < kept.until and kept.forgotten == resources.answers.forgotten

    def _watched(self, words: _Words, resources: Resources, send: Send) -> Send:
        """Keep what is sent, if it is an answer of reasonable length."""
        headers: RawHeaders | None = None
        body = b""
        # What is forgotten while this is computed may have changed the answer.
        forgotten = resources.answers.forgotten

        async def watched(message: Message) -> None:
            nonlocal headers, body
            if message["type"] == "http.response.start":
                headers = list(message["headers"]) if message["status"] == HTTPStatus.OK else None
            elif headers is not None and len(body) <= MOST_BYTES:
                body += message.get("body", b"")
                if not message.get("more_body") and len(body) <= MOST_BYTES:
                    self._keep(words, resources, forgotten, headers, body)
            await send(message)

        return watched

    def _keep(
        self,
        words: _Words,
        resources: Resources,
        forgotten: int,
        headers: RawHeaders,
        body: bytes,
    ) -> None:
        self._kept.pop(words, None)
        while len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        until = resources.clock.monotonic() + SECONDS
        etag = dict(headers).get(b"etag")
        self._kept[words] = _Kept(until, forgotten, headers, body, etag)


async def _give(kept: _Kept, if_none_match: str | None, send: Send) -> None:
    """Send a kept answer, or that it has not changed."""
    status, headers, body = HTTPStatus.OK, kept.headers, kept.body
    if if_none_match and kept.etag and matches(if_none_match.encode("latin-1"), kept.etag):
        status, body = HTTPStatus.NOT_MODIFIED, b""
        headers = [pair for pair in headers if not pair[0].startswith(b"content-")]
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})

"""What every answer carries: a request id, CORS headers, and a problem instead of a crash."""

import itertools
import re
import secrets

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isbitcoinlit.log import get_logger
from isbitcoinlit.web.problems import problem_response

CORS_HEADERS = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        (
            b"Age, ETag, Last-Modified, Retry-After, X-Cache, X-RateLimit-Limit, "
            b"X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-ID"
        ),
    ),
)
"""Everything public may be read by any page; nothing here depends on cookies."""

_PREFLIGHT_HEADERS = {
    "access-control-allow-methods": "GET, HEAD",
    "access-control-allow-headers": "Accept, If-None-Match, Last-Event-ID, X-Request-ID",
    "access-control-max-age": "86400",
}
"""What a page of another origin may send: what reads, and what makes reading cheap."""

_GOOD_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_process = secrets.token_hex(4).encode() + b"-"
_count = itertools.count(1)

log = get_logger()


def request_id(sent: bytes | None) -> bytes:
    """Return the caller's id if it is fit for a header and a log line, else one of ours."""
    if sent is not None and _GOOD_REQUEST_ID.fullmatch(sent):
        return sent
    return _process + b"%x" % next(_count)


class Envelope:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = request_id(dict(scope["headers"]).get(b"x-request-id"))
        scope.setdefault("state", {})["request_id"] = identity.decode()
        asked = {name for name, _ in scope["headers"]}
        preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in asked
        app = Response(status_code=204, headers=_PREFLIGHT_HEADERS) if preflight else self._app
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                extra = (*CORS_HEADERS, (b"x-request-id", identity))
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=identity.decode()):
            try:
                await app(scope, receive, send_with_headers)
            except Exception:  # The edge of the service: a defect of ours must not end it.
                log.exception("request-crashed", path=scope["path"])
                if started:
                    raise
                request = Request(scope, receive)
                detail = "This is a defect of the service; its log says more."
                response = problem_response(request, 500, "internal-error", detail)
                await response(scope, receive, send_with_headers)

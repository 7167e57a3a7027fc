"""The snapshot as an HTTP answer: body, validators and cache directives, prepared once."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from hashlib import blake2b
from math import ceil

from starlette.requests import Request
from starlette.responses import Response

from isbitcoinlit.models import Snapshot
from isbitcoinlit.settings import Settings
from isbitcoinlit.snapshot.document import to_dict, to_json
from isbitcoinlit.snapshot.explain import explain
from isbitcoinlit.snapshot.memory import Answer

Headers = list[tuple[bytes, bytes]]

FEED_SPACING_SECONDS = 30.0
"""From one reading to the next, in the feeds that send them by themselves."""

_JSON = "application/json"
_VARY = (b"vary", b"Accept")
"""Plain text or JSON lies at one address."""
_ETAG = re.compile(rb'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes out, before the headers that every answer carries."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class _Prepared:
    snapshot: Snapshot
    body: bytes
    etag: bytes
    validators: tuple[tuple[bytes, bytes], ...]
    representation: tuple[tuple[bytes, bytes], ...]


class SnapshotResponder:
    """Turns answers of the cache into HTTP; the routes and the hot path share it."""

    def __init__(self, settings: Settings) -> None:
        directives = (
            "public",
            f"max-age={ceil(settings.refresh_interval)}",
            f"stale-while-revalidate={ceil(settings.snapshot_ttl)}",
            f"stale-if-error={ceil(settings.serve_stale_for)}",
        )
        self._cache_control = (b"cache-control", ", ".join(directives).encode())
        self._stale_after = settings.stale_after
        self._spacing = max(FEED_SPACING_SECONDS, settings.refresh_interval)
        self._prepared: _Prepared | None = None

    def respond(self, answer: Answer, if_none_match: bytes | None) -> HttpAnswer:
        """Build the answer to one poll."""
        prepared = self._prepared
        if prepared is None or prepared.snapshot is not answer.snapshot:
            prepared = self._prepare(answer.snapshot, to_json(answer.snapshot), _JSON)
            self._prepared = prepared
        return _answer(prepared, answer, if_none_match)

    def explain(self, answer: Answer, if_none_match: bytes | None) -> HttpAnswer:
        """Build the answer to one who wants to know why."""
        why = explain(answer.snapshot, stale_after=self._stale_after, spacing=self._spacing)
        document = {**to_dict(answer.snapshot), "explanation": why}
        body = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
        return self.represent(answer, body, _JSON, if_none_match)

    def represent(
        self, answer: Answer, body: bytes, media_type: str, if_none_match: bytes | None
    ) -> HttpAnswer:
        """Build the answer in another form, with the same validators and directives."""
        return _answer(self._prepare(answer.snapshot, body, media_type), answer, if_none_match)

    def _prepare(self, snapshot: Snapshot, body: bytes, media_type: str) -> _Prepared:
        etag = b'"%s"' % blake2b(body, digest_size=12).hexdigest().encode()
        modified = format_datetime(snapshot.as_of.replace(microsecond=0), usegmt=True).encode()
        validators = ((b"etag", etag), (b"last-modified", modified), self._cache_control, _VARY)
        return _Prepared(
            snapshot=snapshot,
            body=body,
            etag=etag,
            validators=validators,
            representation=(
                (b"content-type", media_type.encode()),
                (b"content-length", b"%d" % len(body)),
            ),
        )


def _answer(prepared: _Prepared, answer: Answer, if_none_match: bytes | None) -> HttpAnswer:
    headers = [
        *prepared.validators,
        (b"age", b"%d" % answer.age),
        (b"x-cache", answer.source.encode()),
    ]
    if if_none_match is not None and matches(if_none_match, prepared.etag):
        return HttpAnswer(304, headers, b"")
    return HttpAnswer(200, [*prepared.representation, *headers], prepared.body)


def conditions(request: Request) -> bytes | None:
    """Return the tags of all `If-None-Match` headers of a request."""
    return ",".join(request.headers.getlist("if-none-match")).encode("latin-1") or None


def http(answer: HttpAnswer) -> Response:
    """Make a response that sends just this."""
    response = Response(answer.body, answer.status)
    response.raw_headers = answer.headers
    return response


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Compare weakly, as RFC 9110 has it for `If-None-Match`; takes lists and `*`."""
    tags: Sequence[bytes] = _ETAG.findall(if_none_match)
    return etag in tags or if_none_match.strip() == b"*"

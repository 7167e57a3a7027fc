"""The snapshot as an HTTP answer: body, validators and cache directives, prepared once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from hashlib import blake2b
from math import ceil

from isbitcoinlit.models import Snapshot
from isbitcoinlit.settings import Settings
from isbitcoinlit.snapshot.document import to_json
from isbitcoinlit.snapshot.memory import Answer

Headers = list[tuple[bytes, bytes]]

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
    """Turns answers of the cache into HTTP; the route and the hot path share it."""

    def __init__(self, settings: Settings) -> None:
        directives = (
            "public",
            f"max-age={ceil(settings.refresh_interval)}",
            f"stale-while-revalidate={ceil(settings.snapshot_ttl)}",
            f"stale-if-error={ceil(settings.serve_stale_for)}",
        )
        self._cache_control = (b"cache-control", ", ".join(directives).encode())
        self._prepared: _Prepared | None = None

    def respond(self, answer: Answer, if_none_match: bytes | None) -> HttpAnswer:
        """Build the answer to one poll."""
        prepared = self._prepared
        if prepared is None or prepared.snapshot is not answer.snapshot:
            prepared = self._prepared = self._prepare(answer.snapshot)
        headers = [
            *prepared.validators,
            (b"age", b"%d" % answer.age),
            (b"x-cache", answer.source.encode()),
        ]
        if if_none_match is not None and matches(if_none_match, prepared.etag):
            return HttpAnswer(304, headers, b"")
        return HttpAnswer(200, [*prepared.representation, *headers], prepared.body)

    def _prepare(self, snapshot: Snapshot) -> _Prepared:
        body = to_json(snapshot)
        etag = b'"%s"' % blake2b(body, digest_size=12).hexdigest().encode()
        modified = format_datetime(snapshot.as_of.replace(microsecond=0), usegmt=True).encode()
        return _Prepared(
            snapshot=snapshot,
            body=body,
            etag=etag,
            validators=((b"etag", etag), (b"last-modified", modified), self._cache_control),
            representation=(
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
            ),
        )


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Compare weakly, as RFC 9110 has it for `If-None-Match`; takes lists and `*`."""
    if if_none_match == etag:
        return True
    tags: Sequence[bytes] = _ETAG.findall(if_none_match)
    return etag in tags or if_none_match.strip() == b"*"

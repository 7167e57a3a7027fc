"""Answers polls from memory, before the framework sees them.

What it cannot answer falls through to the route in `snapshot.py`, which gives the same answers; the
route is the documentation, this is the speed.
"""

from dataclasses import dataclass, replace
from math import floor

from starlette.types import Scope, Send

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import IsBitcoinLitError
from isbitcoinlit.limits.policy import Group
from isbitcoinlit.snapshot.cache import SnapshotCache
from isbitcoinlit.snapshot.memory import Entry, SnapshotMemory, Source
from isbitcoinlit.traffic import Traffic
from isbitcoinlit.web.envelope import CORS_HEADERS, request_id
from isbitcoinlit.web.metering import rate_headers
from isbitcoinlit.web.negotiation import prefers_text
from isbitcoinlit.web.snapshot import PATH
from isbitcoinlit.web.snapshot_response import Headers, HttpAnswer, SnapshotResponder, matches

_MEMORY = Source.MEMORY.value


@dataclass(frozen=True, slots=True)
class _Ready:
    """Both answers to a poll, good until the age, the version or the entry changes.

    With what every client is told; what differs from poll to poll comes with it.
    """

    entry: Entry
    until: float
    full: HttpAnswer
    not_modified: HttpAnswer
    etag: bytes


class HotPath:
    """Serves `GET` and `HEAD /is-bitcoin-lit` without a query."""

    def __init__(
        self,
        memory: SnapshotMemory,
        cache: SnapshotCache,
        responder: SnapshotResponder,
        clock: Clock,
        traffic: Traffic,
    ) -> None:
        self._memory = memory
        self._cache = cache
        self._responder = responder
        self._monotonic = clock.monotonic
        self._addresses = traffic.addresses
        self._limiter = traffic.limiters[Group.SNAPSHOT]
        self._meter = traffic.meters.groups[Group.SNAPSHOT]
        self._sources = traffic.meters.cache_answers
        self._ready: _Ready | None = None

    async def answer(self, scope: Scope, send: Send) -> bool:
        """Answer the request, or return False if it is one for the route."""
        if scope["path"] != PATH or scope["method"] not in ("GET", "HEAD") or scope["query_string"]:
            return False
        identity = condition = forwarded = None
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                condition = value if condition is None else condition + b"," + value
            elif name == b"x-request-id":
                identity = value
            elif name == b"x-forwarded-for":
                forwarded = value if forwarded is None else forwarded + b"," + value
            elif name == b"authorization" or (name == b"accept" and prefers_text(value)):
                return False  # An operator, who is counted as one; or plain text, which is rare.
        now = self._monotonic()
        peer = scope["client"]
        client = self._addresses.client(peer[0] if peer else None, forwarded)
        remaining, window = self._limiter.take(client, now)
        answer = self._choose(condition, now) if remaining >= 0 else None
        if answer is None and remaining >= 0:
            answer = await self._fill(condition)
        if answer is None:
            scope.setdefault("state", {})["verdict"] = (self._limiter, remaining, window)
            return False
        headers: Headers = [
            *answer.headers,
            (b"x-request-id", request_id(identity)),
            (b"x-ratelimit-remaining", b"%d" % remaining),
        ]
        self._meter.record(answer.status, self._monotonic() - now)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        return True

    def _choose(self, condition: bytes | None, now: float) -> HttpAnswer | None:
        ready = self._ready
        if ready is None or now >= ready.until or ready.entry is not self._memory.entry:
            ready = self._ready = self._prepare(now)
        if ready is None:
            return None
        self._sources[_MEMORY] += 1
        if condition is None:
            return ready.full
        same = condition == ready.etag or matches(condition, ready.etag)
        return ready.not_modified if same else ready.full

    def _prepare(self, now: float) -> _Ready | None:
        entry, answer = self._memory.entry, self._memory.answer()
        if entry is None or answer is None:
            return None
        full = self._responder.respond(answer, None)
        etag = dict(full.headers)[b"etag"]
        return _Ready(
            entry=entry,
            until=min(self._next_change(entry, now), now + (self._limiter.left() % 1 or 1)),
            full=self._for_all(full),
            not_modified=self._for_all(self._responder.respond(answer, etag)),
            etag=etag,
        )

    def _for_all(self, answer: HttpAnswer) -> HttpAnswer:
        """Add the headers that no answer of the moment goes without."""
        headers = [*answer.headers, *CORS_HEADERS, *rate_headers(self._limiter)]
        return replace(answer, headers=headers)

    @staticmethod
    def _next_change(entry: Entry, now: float) -> float:
        """Return when the `Age`, the version or the end of the entry's life changes the answer."""
        next_age = entry.confirmed + floor(now - entry.confirmed) + 1
        changes = (next_age, entry.expires, entry.stale_from)
        return min(change for change in changes if change > now)

    async def _fill(self, condition: bytes | None) -> HttpAnswer | None:
        """Answer from whatever the cache comes up with; the route tells of its errors."""
        try:
            answer = await self._cache.get()
        except IsBitcoinLitError:
            return None
        self._sources[answer.source] += 1
        return self._for_all(self._responder.respond(answer, condition))

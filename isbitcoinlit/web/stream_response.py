"""One open stream of server-sent events."""

import asyncio
import random
from contextlib import suppress
from functools import partial

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from isbitcoinlit.errors import IsBitcoinLitError
from isbitcoinlit.events.cursor import Cursor
from isbitcoinlit.events.event import EventKind, encode, order
from isbitcoinlit.events.hub import EventHub
from isbitcoinlit.snapshot.cache import SnapshotCache
from isbitcoinlit.snapshot.document import to_json
from isbitcoinlit.web.streams import OpenStreams, Place, end_now

PING_SECONDS = 10.0
"""Silence after which a stream says that it lives; proxies give up after 15 to 60 s.

What counts is what this client was sent: others may hear of more.
"""
RETRY_MILLISECONDS = (1_000, 4_000)
"""Between which a client waits before it comes back, so that not all come in the same moment."""
REACH_SECONDS = 1.0
"""How long to wait for an event that the client has seen and this process has not."""

_PING = b"event: ping\nid: %s\ndata: {}\n\n"
"""An event that nobody has to listen to. Browsers pass over the id of a block without data."""


class EventStream(Response):
    """Sends the newest state and then every event, at the client's speed.

    The response is written here and not by Starlette's, to hold one small task beside the request's
    own for each of thousands of clients.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        streams: OpenStreams,
        hub: EventHub,
        cache: SnapshotCache,
        kinds: frozenset[EventKind],
        last_seen: str | None,
    ) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        # There is no length: the answer ends when it ends.
        del self.headers["content-length"]
        self._streams = streams
        self._hub = hub
        self._cache = cache
        self._kinds = kinds
        self._last_seen = last_seen
        self._writing = False
        self._wrote = 0.0
        """When the client was last sent something, by the event loop's clock."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin the answer, and leave the rest to `serve`, without the framework around it.

        What the framework holds for a request is more than a stream needs for ten minutes.
        """
        place = self._streams.take(scope["state"]["client"])
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
        except BaseException:
            place.leave()
            raise
        scope["state"]["stream"] = partial(self._serve, place, receive)

    async def _serve(self, place: Place, receive: Receive, send: Send) -> None:
        """Serve one client until it leaves, its time is over, or the service stops."""
        with suppress(TimeoutError):
            async with place as end:
                watch = asyncio.create_task(_end_when_gone(receive, end))
                try:
                    await self._write(send)
                finally:
                    watch.cancel()
        if not self._writing:
            # A client that does not read could not be told either.
            await send({"type": "http.response.body", "body": b""})

    async def _write(self, send: Send) -> None:
        cursor = await self._cursor()
        await self._send(send, b"retry: %d\n\n" % random.randint(*RETRY_MILLISECONDS))
        if not cursor.resumes and not cursor.hole():
            # Without an id a client that comes back would not be told what it missed.
            await self._send(send, await self._state(cursor, None) or _ping(cursor))
        while True:
            if reason := cursor.hole():
                await self._send(send, await self._state(cursor, reason))
            elif events := cursor.take():
                await self._send(send, events)
            else:
                await self._wait(cursor, send)

    async def _cursor(self) -> Cursor:
        """Find out where this client goes on; another process may have told it more."""
        if self._last_seen and order(self._last_seen) > order(self._hub.last_id):
            with suppress(TimeoutError):
                async with asyncio.timeout(REACH_SECONDS):
                    await self._hub.reach(self._last_seen)
        return Cursor(self._hub, self._kinds, self._last_seen)

    async def _state(self, cursor: Cursor, reason: str | None) -> bytes:
        """Return the newest state, after the announcement of a hole if there is one.

        The announcement has the id that the client knew: if the connection ends between the two,
        it is made again.
        """
        before = cursor.last_id
        cursor.jump()
        snapshot = b""
        if EventKind.SNAPSHOT in self._kinds:
            with suppress(IsBitcoinLitError):
                document = to_json((await self._cache.get()).snapshot).decode()
                snapshot = encode(EventKind.SNAPSHOT, cursor.last_id, document)
        if reason is None:
            return snapshot
        known = before if snapshot else cursor.last_id
        return encode(EventKind.RESYNC, known, f'{{"reason":"{reason}"}}') + snapshot

    async def _wait(self, cursor: Cursor, send: Send) -> None:
        try:
            async with asyncio.timeout_at(self._wrote + PING_SECONDS):
                await cursor.wait()
        except TimeoutError:
            await self._send(send, _ping(cursor))

    async def _send(self, send: Send, body: bytes) -> None:
        """Write, however long the client takes to read; nobody else waits."""
        if body:
            self._writing = True
            await send({"type": "http.response.body", "body": body, "more_body": True})
            self._writing = False
            self._wrote = asyncio.get_running_loop().time()


def _ping(cursor: Cursor) -> bytes:
    """Say where the client is, which may be past events that it does not want."""
    return _PING % cursor.last_id.encode()


async def _end_when_gone(receive: Receive, end: asyncio.Timeout) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    end_now(end)

"""One client's place among the events."""

from collections.abc import Collection

from isbitcoinlit.events.event import NO_ID, EventKind
from isbitcoinlit.events.hub import EventHub

BEHIND = 64
"""Events by which a client that was up to date may fall behind before it is taken for slow."""
AT_ONCE = 64
"""Events in one write, so that a long replay passes through no large buffer."""


class Cursor:
    """Reads the hub's events at the client's own speed, and knows when some cannot be had."""

    def __init__(self, hub: EventHub, kinds: Collection[EventKind], last_seen: str | None) -> None:
        self._hub = hub
        self._kinds = {*kinds, EventKind.RESYNC}
        found = hub.position_after(last_seen) if last_seen else None
        self.last_id = last_seen if last_seen and found is not None else NO_ID
        """The event that the client saw last."""
        self.resumes = found is not None
        """Whether the client goes on where it was."""
        self._forgotten = bool(last_seen) and found is None
        self._position = hub.end if found is None else found
        self._replay_until = hub.end

    def hole(self) -> str | None:
        """Return why the next events cannot be given, if so."""
        if self._forgotten or self._position < self._hub.begin:
            return "not-kept"
        behind = self._hub.end - self._position
        return "too-slow" if behind > BEHIND and self._position >= self._replay_until else None

    def jump(self) -> None:
        """Go on after the newest event, whatever was missed."""
        self._position = self._replay_until = self._hub.end
        self._forgotten = False
        self.last_id = self._hub.last_id

    def take(self) -> bytes:
        """Return the next events as they are written; nothing when there are none to write."""
        events = self._hub.since(self._position, AT_ONCE)
        self._position += len(events)
        if events:
            self.last_id = events[-1].id
        return b"".join(event.wire for event in events if event.kind in self._kinds)

    async def wait(self) -> None:
        """Wait until there may be something to take."""
        if self._position == self._hub.end:
            await self._hub.wait()

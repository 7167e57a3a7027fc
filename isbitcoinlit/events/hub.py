"""The last events in this process's memory, for all of its clients at once."""

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import islice

from isbitcoinlit.events.event import NO_ID, Event, order
from isbitcoinlit.events.log import KEPT


class EventHub:
    """Keeps what came last; each client remembers only how far it has read.

    Positions count the events since the process began. So a client costs no queue, and a slow one
    holds up nobody.
    """

    def __init__(self) -> None:
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._news = asyncio.Event()
        self.end = 0
        """The position after the newest event."""
        self.last_id = NO_ID
        self.states: dict[str, str] = {}
        """What was last told of each subject of `status` events."""

    @property
    def begin(self) -> int:
        """The position of the oldest event that is kept."""
        return self.end - len(self._kept)

    def publish(self, events: Iterable[Event]) -> None:
        """Add events, and wake whoever waits for them."""
        for event in events:
            self._kept.append(event)
            self.end += 1
            self.last_id = event.id
            if event.subject:
                self.states[event.subject] = event.state
        # Who waits is woken by `set` itself; who comes later waits for the next event.
        self._news.set()
        self._news.clear()

    def begin_anew(self, events: Iterable[Event]) -> None:
        """Forget everything after a hole: no earlier position is good any more."""
        self._kept.clear()
        self.states.clear()
        self.end += 1
        self.last_id = NO_ID
        self.publish(events)

    def position_after(self, identity: str) -> int | None:
        """Return where a client goes on that saw this event last, unless that is not known."""
        for distance, event in enumerate(reversed(self._kept)):
            if event.id == identity:
                return self.end - distance
        return None

    async def reach(self, identity: str) -> None:
        """Wait until the hub knows of this event, or of a later one."""
        while order(self.last_id) < order(identity):
            await self.wait()

    def since(self, position: int, limit: int) -> list[Event]:
        """Return at most so many events from a position on that is still kept."""
        first = position - self.begin
        return list(islice(self._kept, first, first + limit))

    async def wait(self) -> None:
        """Wait for the next event."""
        await self._news.wait()

"""Says in events what this process did and saw; never raises, never in silence."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from isbitcoinlit.errors import FeedError, StorageError
from isbitcoinlit.events.event import EventKind
from isbitcoinlit.events.hub import EventHub
from isbitcoinlit.events.log import KEPT, EventLog, Telling
from isbitcoinlit.feeds.health import FeedReport
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import Reading

MANY = 100
"""More new readings than this at once are a history to fetch, and would push out other events."""

log = get_logger()


class Announcer:
    """Appends events; those that could not be told are owed as one `resync`."""

    def __init__(self, events: EventLog, hub: EventHub) -> None:
        self._events = events
        self._hub = hub
        self._owed = False
        self._told: dict[str, deque[datetime]] = {}

    @contextmanager
    def owing(self) -> Iterator[None]:
        """Owe a `resync` for what the block stored, if it ends before that can be told."""
        try:
            yield
        except FeedError:
            raise  # No feed gave anything, so nothing was stored.
        except BaseException:
            self._owed = True
            raise

    def owe(self) -> None:
        """Owe a `resync` for what somebody else has stored, and cannot tell any more."""
        self._owed = True

    async def readings(self, readings: Mapping[str, Sequence[Reading]]) -> None:
        """Tell of readings that have been stored, by their feed, and what is owed."""
        tellings: list[Telling] = []
        for feed, new in readings.items():
            if len(new) > MANY:
                tellings.append(_resync("many-readings", feed=feed, readings=len(new)))
                continue
            told = self._told.setdefault(feed, deque(maxlen=KEPT))
            fresh = [reading for reading in new if reading.time not in told]
            if len(fresh) < len(new):
                # A failover lost them, and perhaps the events before somebody had them.
                tellings.append(_resync("events-lost"))
            tellings += [(EventKind.READING, _reading(feed, reading)) for reading in fresh]
            told.extend(reading.time for reading in fresh)
        await self._append(tellings)

    async def history(self, feed: str) -> None:
        """Tell that readings of any time have been stored beside the refresh."""
        await self._append([_resync("many-readings", feed=feed)])

    async def _append(self, tellings: list[Telling]) -> None:
        owed = self._owed
        if owed:
            tellings = [_resync("events-lost"), *tellings]
        if not tellings:
            return
        try:
            with self.owing():
                await self._events.append(tellings)
        except StorageError as error:
            if not owed:
                log.warning("readings-not-announced", reason=str(error))
        else:
            self._owed = self._owed and not owed

    async def feeds(self, reports: Iterable[FeedReport]) -> None:
        """Tell how feeds are doing, where that is news."""
        for report in reports:
            data = {"feed": report.name, "state": report.state, "reason": report.last_error}
            await self._change(f"feed {report.name}", report.state, data)

    def knows_freshness(self, feed: str) -> bool:
        """Tell whether anything was told of the feed's freshness."""
        return f"freshness {feed}" in self._hub.states

    async def freshness(self, feed: str, as_of: datetime, *, stale: bool) -> bool:
        """Tell whether the newest reading is too old, where that is news; False if it failed."""
        data = {"feed": feed, "stale": stale, "as_of": as_of.isoformat()}
        return await self._change(f"freshness {feed}", str(stale), data)

    async def _change(self, subject: str, state: str, data: dict[str, Any]) -> bool:
        if self._hub.states.get(subject) == state:
            return True
        try:
            await self._events.append_change(subject, state, _json(data))
        except StorageError as error:
            log.info("status-not-announced", subject=subject, reason=str(error))
            return False
        self._hub.states[subject] = state
        return True


def _reading(feed: str, reading: Reading) -> str:
    return _json(
        {
            "time": reading.time.isoformat(),
            "price": reading.price,
            "sentiment": reading.sentiment,
            "feed": feed,
        }
    )


def _resync(reason: str, **more: str | int) -> Telling:
    return EventKind.RESYNC, _json({"reason": reason, **more})


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), allow_nan=False)

"""One event, and how it looks on a client's wire."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class EventKind(StrEnum):
    """What an event tells."""

    SNAPSHOT = "snapshot"
    """A snapshot was computed."""
    READING = "reading"
    """A reading was stored."""
    STATUS = "status"
    """A feed or the freshness of its readings changed."""
    RESYNC = "resync"
    """Something is not told: whoever keeps a copy should fetch it anew."""


NO_ID = "0-0"
"""Stands before every event."""
_ID = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an event's id."""
    return _ID.fullmatch(text) is not None


def order(identity: str) -> tuple[int, int]:
    """Return what ids are ordered by."""
    milliseconds, _, number = identity.partition("-")
    return int(milliseconds), int(number)


@dataclass(frozen=True)
class Event:
    """What happened, under the id that Redis gave it: milliseconds, a dash and a number."""

    id: str
    kind: EventKind
    data: str
    """JSON on one line."""
    subject: str = ""
    """What a `status` event is about, so that no state is told twice."""
    state: str = ""

    @cached_property
    def wire(self) -> bytes:
        """The event in the form of `text/event-stream`, made once for all clients."""
        return encode(self.kind, self.id, self.data)


def encode(kind: EventKind, identity: str, data: str) -> bytes:
    """Write an event in the form of `text/event-stream`; the data is one line."""
    return f"event: {kind}\nid: {identity}\ndata: {data}\n\n".encode()

"""The only reader of the time, and the two ways to write a moment down."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOUR_MILLISECONDS = 3_600_000
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """Tells the time; tests bring one they can move."""

    def now(self) -> datetime:
        """The wall-clock time, aware UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring how long something took or lasts."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """The wall-clock time, aware UTC."""
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)
    """Seconds that never run backwards."""


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since the epoch, exactly (floats of this size round)."""
    return (moment - EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    """The moment that many milliseconds after the epoch, aware UTC."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def floor_hour(moment: datetime) -> datetime:
    """The full hour that a moment lies in."""
    return moment.replace(minute=0, second=0, microsecond=0)

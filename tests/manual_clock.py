"""A clock that stands still until a test moves it."""

from datetime import datetime, timedelta


class ManualClock:
    """Tells the time it was given, plus what it was advanced by."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        """The wall-clock time, aware UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass; a negative number sets the wall clock back, and only that one."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += max(seconds, 0.0)

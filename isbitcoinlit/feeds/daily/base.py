"""What the daily feeds have in common."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.base import Feed, Pull
from isbitcoinlit.feeds.http import Limits
from isbitcoinlit.feeds.rows import EARLIEST
from isbitcoinlit.models import Reading

LOOK_SECONDS = 3_600.0
"""How often a daily feed is looked at."""
STALE_SECONDS = 3 * 86_400.0
"""A value stands at the start of its day, and may appear late on the next one."""
LIMITS = Limits(total=20)


class DailyFeed(Feed, Protocol):
    """A feed of one sentiment a day."""

    @property
    def attribution(self) -> str:
        """Whom to name where a value is shown."""


def collect(
    rows: Iterable[Any], read: Callable[[Any], Reading], latest: datetime, sender: str
) -> Pull:
    """The readings of rows up to a time, each day once; bad rows are counted.

    Raises `FeedInvalid` when no row is usable.
    """
    rejected: Counter[str] = Counter()
    readings: dict[datetime, Reading] = {}
    fetched = 0
    for row in rows:
        fetched += 1
        try:
            reading = read(row)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
            rejected["row-unreadable"] += 1
            continue
        if EARLIEST <= reading.time <= latest:
            readings.setdefault(reading.time, reading)
        else:
            rejected["time-out-of-range"] += 1
    if not readings:
        raise FeedInvalid(f"{sender} sent {fetched} days, none of them usable.")
    return Pull(tuple(readings[time] for time in sorted(readings)), fetched, dict(rejected))

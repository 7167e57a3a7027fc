"""How a feed is doing, judged by the time of its data, and when to ask it again."""

import random
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import FeedError
from isbitcoinlit.log import get_logger

LONGEST_BACKOFF = 300.0
"""Seconds; a feed that comes back is noticed within five minutes."""

log = get_logger()


class FeedState(StrEnum):
    """The one word for how a feed is doing."""

    OK = "ok"
    STALE = "stale"
    """It answers, but its newest reading is old (or it has not been asked yet)."""
    FAILING = "failing"
    DISABLED = "disabled"
    """A setting says not to ask it."""


@dataclass(frozen=True, slots=True)
class FeedReport:
    """What is known at one moment about a feed, or about one of its sources."""

    name: str
    state: FeedState
    newest: datetime | None
    last_success: datetime | None
    last_error: str | None
    pulls: int
    failures: int
    next_attempt_in: float
    """Seconds for which it is left alone; 0 when it is asked at the next tick."""
    stale_after: float = 0.0
    """Seconds after which its newest data is too old."""
    sources: tuple["FeedReport", ...] = ()
    """What the feed is made of, where it is made of several."""


def judge(newest: datetime | None, now: datetime, stale_after: float) -> FeedState:
    """What the age of the data makes of a feed that answers."""
    if newest is None or (now - newest).total_seconds() > stale_after:
        return FeedState.STALE
    return FeedState.OK


def disabled(name: str) -> FeedReport:
    """The report about something that a setting removed."""
    return FeedReport(name, FeedState.DISABLED, None, None, None, 0, 0, 0.0)


class FeedHealth:
    """Keeps count of one feed's answers."""

    def __init__(self, name: str, clock: Clock, *, interval: float, stale_after: float) -> None:
        self._name = name
        self._clock = clock
        self._interval = interval
        self._stale_after = stale_after
        self._newest: datetime | None = None
        self._last_success: datetime | None = None
        self._error: FeedError | None = None
        self._pulls = 0
        self._failures = 0
        self._failures_in_a_row = 0
        self._next_attempt = float("-inf")
        self._said: FeedState | None = None

    def recall(self, newest: datetime | None, answered: datetime) -> None:
        """Note what was known before this process began."""
        self._newest, self._last_success = newest, answered

    def succeeded(self, newest: datetime | None) -> None:
        """Note an answer, and the time of the newest reading it had."""
        self._pulls += 1
        self._newest = newest or self._newest
        self._last_success = self._clock.now()
        self._error = None
        self._failures_in_a_row = 0
        self._next_attempt = float("-inf")
        self._say()

    def failed(self, error: FeedError) -> None:
        """Note a failure, and leave the feed alone for longer and longer."""
        self._pulls += 1
        self._failures += 1
        self._failures_in_a_row += 1
        self._error = error
        self._next_attempt = self._clock.monotonic() + self._backoff(error.retry_after)
        self._say()

    @property
    def asked(self) -> bool:
        """Whether this process has an answer of it, or a failure."""
        return self._pulls > 0

    @property
    def wait(self) -> float:
        """Seconds for which the feed should still be left alone."""
        return max(0.0, self._next_attempt - self._clock.monotonic())

    def report(self) -> FeedReport:
        """Return what is known now."""
        return FeedReport(
            name=self._name,
            state=self._state(),
            newest=self._newest,
            last_success=self._last_success,
            last_error=str(self._error) if self._error else None,
            pulls=self._pulls,
            failures=self._failures,
            next_attempt_in=self.wait,
            stale_after=self._stale_after,
        )

    def _state(self) -> FeedState:
        if self._error:
            return FeedState.FAILING
        return judge(self._newest, self._clock.now(), self._stale_after)

    def _backoff(self, retry_after: float | None) -> float:
        doubled = self._interval * 2.0 ** min(self._failures_in_a_row - 1, 16)
        # Up to a tenth less, so that many services do not come back at the same moment.
        delay = min(doubled, LONGEST_BACKOFF) * random.uniform(0.9, 1)
        return max(delay, retry_after or 0.0)

    def _say(self) -> None:
        """Log the state when it is not what was logged last."""
        state = self._state()
        if state is self._said:
            return
        self._said = state
        if state is FeedState.FAILING:
            log.warning("feed-failing", feed=self._name, reason=str(self._error))
        elif state is FeedState.STALE:
            log.warning("feed-stale", feed=self._name, newest=str(self._newest))
        else:
            log.info("feed-ok", feed=self._name, newest=str(self._newest))

"""The snapshot in this process's memory, and what its age makes of it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from isbitcoinlit.clock import Clock
from isbitcoinlit.models import Snapshot


class Source(StrEnum):
    """Where an answer came from."""

    MEMORY = "memory"
    REDIS = "redis"
    COMPUTED = "computed"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How long a snapshot is good for; all in seconds."""

    ttl: float
    """How long it may be served without looking at Redis again."""
    stale_after: float
    """How old its newest reading may be before it says `stale`."""
    serve_stale_for: float
    """How long it is served, marked stale, while Redis is away."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A remembered snapshot, in two versions; times are the monotonic clock's seconds."""

    fresh: Snapshot
    stale: Snapshot
    confirmed: float
    """When it was last known to be what the series say."""
    expires: float
    stale_from: float
    """When its newest reading becomes too old."""

    def at(self, moment: float) -> Snapshot:
        """Return the version that is true at that moment."""
        return self.fresh if moment < self.stale_from else self.stale


@dataclass(frozen=True, slots=True)
class Answer:
    """What a poll gets."""

    snapshot: Snapshot
    source: Source
    age: float
    """Seconds since it was known to be what the series say."""


class SnapshotMemory:
    """Remembers one snapshot; no input or output, so nothing here waits."""

    def __init__(self, clock: Clock, policy: CachePolicy) -> None:
        self._clock = clock
        self._policy = policy
        self.entry: Entry | None = None
        """The newest snapshot, whether still good or not."""

    def remember(self, snapshot: Snapshot, *, age: float = 0.0) -> Snapshot:
        """Keep a snapshot that was true `age` seconds ago; return what it says now."""
        confirmed = self._clock.monotonic() - age
        data_age = (self._clock.now() - snapshot.as_of).total_seconds()
        self.entry = Entry(
            fresh=replace(snapshot, stale=False),
            stale=replace(snapshot, stale=True),
            confirmed=confirmed,
            expires=confirmed + self._policy.ttl,
            stale_from=self._clock.monotonic() + self._policy.stale_after - data_age,
        )
        return self.entry.at(self._clock.monotonic())

    def confirm(self) -> Snapshot | None:
        """Begin the entry's life anew: the series have just been seen not to have changed."""
        return self.remember(self.entry.fresh) if self.entry else None

    def distrust(self) -> None:
        """End the entry's life now: a change may have been missed."""
        if self.entry:
            self.entry = replace(self.entry, expires=float("-inf"))

    def answer(self, source: Source = Source.MEMORY) -> Answer | None:
        """Return the entry as an answer, if it is still good."""
        now = self._clock.monotonic()
        if self.entry is None or now >= self.entry.expires:
            return None
        return Answer(self.entry.at(now), source, now - self.entry.confirmed)

    def last_resort(self) -> Answer | None:
        """Return the entry marked stale, if it is not too old even for that."""
        now = self._clock.monotonic()
        if self.entry is None or now - self.entry.confirmed > self._policy.serve_stale_for:
            return None
        return Answer(self.entry.stale, Source.STALE, now - self.entry.confirmed)

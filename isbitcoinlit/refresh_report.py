"""What a refresh did, as it travels and as it is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isbitcoinlit.intake.feeds import FeedOutcome
from isbitcoinlit.models import Snapshot
from isbitcoinlit.snapshot.document import to_dict as document_of


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did."""

    feed: str
    """The feed that speaks, which the numbers are about."""
    fetched: int
    """Rows that the feed sent."""
    added: int
    already_stored: int
    rejected: Mapping[str, int]
    """Values not stored, by reason."""
    newest: datetime | None
    """Time of the newest reading that the feed sent."""
    duration_ms: float
    snapshot: Snapshot | None
    changed: bool
    """Whether the snapshot was computed anew, so that other processes should hear of it."""
    feeds: tuple[FeedOutcome, ...]
    """What each feed gave that was asked."""
    degraded: int = 0
    """Readings that Redis took, but of which fewer replicas have told than wanted."""


def to_dict(report: RefreshReport) -> dict[str, Any]:
    """Return the report in the shape that `POST /refresh` and the command line give."""
    document = {
        **_numbers(report),
        "duration_ms": report.duration_ms,
        "snapshot": document_of(report.snapshot) if report.snapshot else None,
    }
    if len(report.feeds) > 1:
        document["feeds"] = [
            _numbers(outcome) | {"error": str(outcome.error) if outcome.error else None}
            for outcome in report.feeds
        ]
    return document


def _numbers(said: RefreshReport | FeedOutcome) -> dict[str, Any]:
    return {
        "feed": said.feed,
        "fetched": said.fetched,
        "added": said.added,
        "already_stored": said.already_stored,
        "degraded": said.degraded,
        "rejected": dict(said.rejected),
        "newest": said.newest.isoformat() if said.newest else None,
    }

"""Feeds become series: all feeds at the same time, each into its own."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from isbitcoinlit.errors import FeedError, FeedInvalid, FeedUnavailable
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.watched import WatchedFeed
from isbitcoinlit.fence import NO_FENCE, Fence
from isbitcoinlit.models import Reading
from isbitcoinlit.series.source_prices import SourcePrices
from isbitcoinlit.series.store import SeriesStore, Stored


@dataclass(frozen=True, slots=True)
class FeedOutcome:
    """What one feed gave, or why it gave nothing."""

    feed: str
    fetched: int = 0
    """Rows that the feed sent."""
    added: int = 0
    already_stored: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Values not stored, by reason."""
    newest: datetime | None = None
    """Time of the newest reading that the feed sent."""
    changed: bool = False
    """Whether its series are not what this process knew."""
    error: FeedError | None = None
    readings: tuple[Reading, ...] = ()
    """The readings that were new."""
    degraded: int = 0
    """Readings that Redis took, but of which fewer replicas have told than wanted."""


class Intake:
    """Pulls feeds and stores what they give; one that fails does not hurt the others."""

    def __init__(
        self, feeds: Sequence[WatchedFeed], series: SeriesStore, prices: SourcePrices
    ) -> None:
        self.feeds = feeds
        self._series = series
        self._prices = prices

    @property
    def wait(self) -> float:
        """Seconds for which all feeds should still be left alone."""
        return min((feed.health.wait for feed in self.feeds), default=0.0)

    async def take(
        self, *, forced: bool = False, fence: Fence = NO_FENCE
    ) -> tuple[FeedOutcome, ...]:
        """Take in every feed that is due, or (if forced) every feed.

        Raises a `StorageError`, or `LeaseLost` at the fence; a feed that fails is an outcome.
        """
        due = [feed for feed in self.feeds if forced or feed.health.wait == 0]
        # Each to its end before an error is raised: nothing may write after the lease is gone.
        work = (self._take(feed, fence) for feed in due)
        results = await asyncio.gather(*work, return_exceptions=True)
        outcomes = []
        for result in results:
            if isinstance(result, BaseException):
                raise result
            outcomes.append(result)
        return tuple(outcomes)

    async def _take(self, watched: WatchedFeed, fence: Fence) -> FeedOutcome:
        try:
            pull = await watched.pull()
        except FeedError as error:
            return FeedOutcome(watched.name, error=error)
        stored = await self._series.add(watched.name, pull.readings, fence)
        await self._prices.add(watched.name, pull.prices, fence)
        return _outcome(watched.name, pull, stored)


def complaint(outcomes: Sequence[FeedOutcome]) -> FeedError:
    """The error to raise when no feed gave anything."""
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if len(errors) == 1:
        return errors[0]
    kind = FeedInvalid if all(isinstance(e, FeedInvalid) for e in errors) else FeedUnavailable
    sentences = " ".join(f"{o.feed}: {o.error}" for o in outcomes if o.error)
    waits = [error.retry_after for error in errors if error.retry_after is not None]
    return kind(f"No feed gave anything. {sentences}".strip(), retry_after=min(waits, default=None))


def _outcome(name: str, pull: Pull, stored: Stored) -> FeedOutcome:
    return FeedOutcome(
        feed=name,
        fetched=pull.fetched,
        added=stored.added,
        already_stored=stored.already_stored,
        rejected=dict(Counter(pull.rejected) + Counter(stored.rejected)),
        newest=pull.readings[-1].time if pull.readings else None,
        changed=stored.changed,
        readings=stored.readings,
        degraded=stored.degraded,
    )

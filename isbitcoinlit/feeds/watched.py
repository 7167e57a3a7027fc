"""A feed, and how it is doing."""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import FeedError, FeedUnavailable, IsBitcoinLitError
from isbitcoinlit.feeds.base import Feed, Pull
from isbitcoinlit.feeds.health import FeedHealth, FeedReport
from isbitcoinlit.log import get_logger

log = get_logger()


@runtime_checkable
class ManySources(Protocol):
    """A feed that is made of several."""

    def reports(self) -> tuple[FeedReport, ...]:
        """How each source is doing."""


@dataclass(frozen=True, slots=True)
class WatchedFeed:
    """Notes how every pull of the feed went."""

    feed: Feed
    health: FeedHealth

    @classmethod
    def of(cls, feed: Feed, clock: Clock, *, interval: float, stale_after: float) -> "WatchedFeed":
        """Begin to watch a feed."""
        return cls(feed, FeedHealth(feed.name, clock, interval=interval, stale_after=stale_after))

    @property
    def name(self) -> str:
        """The feed's name."""
        return self.feed.name

    async def pull(self) -> Pull:
        """Pull the feed; raises what that raises, and no defect of the feed's own."""
        try:
            pull = await self.feed.pull()
        except FeedError as error:
            self.health.failed(error)
            raise
        except IsBitcoinLitError:
            raise  # Redis failed, not the feed.
        except Exception as error:  # The edge of a feed: a defect in one must not hurt the others.
            log.exception("feed-crashed", feed=self.name)
            crash = FeedUnavailable(f"The feed {self.name} has a defect; the log says more.")
            self.health.failed(crash)
            raise crash from error
        self.health.succeeded(pull.readings[-1].time if pull.readings else None)
        return pull

    def report(self) -> FeedReport:
        """What is known now, about its sources too."""
        report = self.health.report()
        if isinstance(self.feed, ManySources):
            return replace(report, sources=self.feed.reports())
        return report

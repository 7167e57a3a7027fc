"""Builds what goes on beside the refresh, as the settings want it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from redis.asyncio import Redis

from isbitcoinlit.clock import HOUR, Clock
from isbitcoinlit.feeds.archive.bitstamp_hours import BitstampHours
from isbitcoinlit.feeds.daily import fear_greed, senticrypt_daily
from isbitcoinlit.feeds.daily.base import LOOK_SECONDS, STALE_SECONDS, DailyFeed
from isbitcoinlit.feeds.daily.fear_greed import FearGreed
from isbitcoinlit.feeds.daily.senticrypt_daily import SentiCryptDaily
from isbitcoinlit.feeds.watched import WatchedFeed
from isbitcoinlit.intake.backfill import Backfill
from isbitcoinlit.intake.board import FeedBoard
from isbitcoinlit.intake.companions import GAP_HOURS, Companions, Gaps
from isbitcoinlit.intake.feeds import Intake
from isbitcoinlit.lease import Lease
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.series.source_prices import SourcePrices
from isbitcoinlit.series.store import SeriesStore, Tell
from isbitcoinlit.settings import Settings


@asynccontextmanager
async def open_companions(
    settings: Settings, redis: Redis, clock: Clock, *, wanted: bool, tell: Tell | None = None
) -> AsyncIterator[Companions]:
    """Open the daily feeds and the archive of prices, or nothing if they are not wanted.

    `tell` hears of what they store.
    """
    keys = Keys(settings.key_prefix)
    async with AsyncExitStack() as stack:
        feeds = _daily_feeds(settings, clock) if wanted else []
        for feed in feeds:
            stack.push_async_callback(feed.aclose)
        gaps = _gaps(settings, redis, keys, clock, tell) if wanted else None
        if gaps:
            stack.push_async_callback(gaps.archive.aclose)
        watched = [
            WatchedFeed.of(feed, clock, interval=LOOK_SECONDS, stale_after=STALE_SECONDS)
            for feed in feeds
        ]
        series = SeriesStore(redis, keys, retention_seconds=settings.retention, tell=tell)
        yield Companions(
            feeds,
            _disabled(settings),
            Intake(watched, series, SourcePrices(redis, keys)),
            FeedBoard(redis, keys.feed_reports("companions"), watched, clock),
            Lease(redis, keys.lease("companions")),
            clock,
            gaps,
        )


def _daily_feeds(settings: Settings, clock: Clock) -> list[DailyFeed]:
    feeds: list[DailyFeed] = []
    if settings.fear_greed_url:
        feeds.append(FearGreed(settings.fear_greed_url, clock))
    if settings.senticrypt_daily_url:
        feeds.append(SentiCryptDaily(settings.senticrypt_daily_url, clock))
    return feeds


def _disabled(settings: Settings) -> list[str]:
    addresses = {
        fear_greed.NAME: settings.fear_greed_url,
        senticrypt_daily.NAME: settings.senticrypt_daily_url,
    }
    return [name for name, url in addresses.items() if not url]


def _gaps(
    settings: Settings, redis: Redis, keys: Keys, clock: Clock, tell: Tell | None
) -> Gaps | None:
    if not settings.bitstamp_hours_url:
        return None
    since = clock.now() - GAP_HOURS * HOUR
    archive = BitstampHours(settings.bitstamp_hours_url, clock, since)
    backfill = Backfill(redis, keys, retention_seconds=settings.retention, forget=tell)
    return Gaps(archive, backfill, Rollups(redis, keys))

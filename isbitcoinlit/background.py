"""What a service does by itself, beside answering."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from isbitcoinlit.events.follower import EventFollower
from isbitcoinlit.history.builder import RollupBuilder
from isbitcoinlit.lease import Lease
from isbitcoinlit.resources import Resources
from isbitcoinlit.scheduler import RefreshScheduler
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rollup_backfill import RollupBackfill
from isbitcoinlit.snapshot.freshness import FreshnessWatch


@asynccontextmanager
async def background_work(resources: Resources) -> AsyncIterator[None]:
    """Refresh on schedule, and hear of other processes' work, for the length of the block."""
    settings, memory = resources.settings, resources.memory
    keys = Keys(settings.key_prefix)
    follower = EventFollower(
        resources.redis,
        keys,
        resources.hub,
        resources.signals,
        receive=resources.cache.receive,
        distrust=memory.distrust,
    )
    freshness = FreshnessWatch(memory, resources.announcer, resources.clock)
    scheduler = RefreshScheduler(resources.refresher, interval=settings.refresh_interval)
    builder = RollupBuilder(
        resources.series,
        RollupBackfill(resources.redis, keys),
        resources.reader.feeds,
        Lease(resources.redis, keys.lease("rollups")),
    )
    async with (
        follower.running(),
        builder.running(),
        scheduler.running(),
        freshness.running(),
        resources.companions.running(),
        resources.traffic.settling(),
    ):
        yield

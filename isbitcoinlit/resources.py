"""Opens everything long-lived, and closes it in reverse order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock, SystemClock
from isbitcoinlit.errors import RedisUnavailable
from isbitcoinlit.feeds.base import Feed
from isbitcoinlit.feeds.build import build_feed
from isbitcoinlit.feeds.health import FeedHealth
from isbitcoinlit.lease import Lease
from isbitcoinlit.log import get_logger
from isbitcoinlit.operators.desk import Operators, open_operators
from isbitcoinlit.redis_client import connect
from isbitcoinlit.redis_server import EmbeddedRedis, open_or_join
from isbitcoinlit.refresh import Refresher, Stages
from isbitcoinlit.scheduler import RefreshScheduler
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.settings import Settings
from isbitcoinlit.snapshot.broadcast import SnapshotSubscription
from isbitcoinlit.snapshot.cache import SnapshotCache
from isbitcoinlit.snapshot.memory import CachePolicy, SnapshotMemory
from isbitcoinlit.snapshot.reader import SnapshotReader
from isbitcoinlit.traffic import Traffic

SERVICE_ROLE = "serve"

log = get_logger()


@dataclass(frozen=True, slots=True)
class Resources:
    """What a process of this service has open."""

    settings: Settings
    clock: Clock
    redis: Redis
    feed: Feed
    health: FeedHealth
    series: SeriesStore
    reader: SnapshotReader
    memory: SnapshotMemory
    cache: SnapshotCache
    refresher: Refresher
    traffic: Traffic
    operators: Operators


@asynccontextmanager
async def open_resources(
    settings: Settings,
    *,
    redis: Redis | None = None,
    feed: Feed | None = None,
    clock: Clock | None = None,
    role: str = SERVICE_ROLE,
) -> AsyncIterator[Resources]:
    """Open what a command or a service needs; what the caller passes in is not closed.

    Raises an `EmbeddedRedisError`, or `TimeSeriesMissing` for a Redis that cannot do the work. A
    Redis that cannot be reached is no error yet: it may come.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        if redis is None:
            url = await _redis_url(stack, settings, role)
            redis = await stack.enter_async_context(connect(url))
        if feed is None:
            feed = build_feed(settings, clock)
            stack.push_async_callback(feed.aclose)
        resources = _assemble(settings, redis, feed, clock)
        stack.push_async_callback(resources.cache.aclose)
        try:
            await resources.series.prepare(feed.name)
        except RedisUnavailable as error:
            log.warning("redis-unavailable-at-start", reason=str(error))
        yield resources


@asynccontextmanager
async def background_work(resources: Resources) -> AsyncIterator[None]:
    """Refresh on schedule, and hear of other processes' snapshots, for the length of the block."""
    settings = resources.settings
    subscription = SnapshotSubscription(
        resources.redis, Keys(settings.key_prefix), resources.cache, resources.memory
    )
    scheduler = RefreshScheduler(resources.refresher, interval=settings.refresh_interval)
    async with subscription.running(), scheduler.running(), resources.traffic.settling():
        yield


async def _redis_url(stack: AsyncExitStack, settings: Settings, role: str) -> str:
    """Return the address of the operator's Redis, or of an embedded one that is started."""
    if settings.redis_url:
        return settings.redis_url.get_secret_value()
    if role != SERVICE_ROLE:
        return stack.enter_context(open_or_join(settings.data_dir, role))
    server = EmbeddedRedis(settings.data_dir, role)
    stack.callback(server.stop)
    await asyncio.to_thread(server.start)
    return server.url


def _assemble(settings: Settings, redis: Redis, feed: Feed, clock: Clock) -> Resources:
    """Put the pieces together; nothing is sent yet."""
    keys = Keys(settings.key_prefix)
    policy = CachePolicy(settings.snapshot_ttl, settings.stale_after, settings.serve_stale_for)
    series = SeriesStore(redis, keys, retention_seconds=settings.retention)
    reader = SnapshotReader(
        feed.name, series, Rollups(redis, keys), clock, stale_after=settings.stale_after
    )
    memory = SnapshotMemory(clock, policy)
    cache = SnapshotCache(redis, keys, reader, memory, policy)
    health = FeedHealth(
        feed.name, clock, interval=settings.refresh_interval, stale_after=settings.stale_after
    )
    refresher = Refresher(
        Stages(feed, series, reader, memory, cache),
        health,
        Lease(redis, keys.lease(feed.name)),
        clock,
        interval=settings.refresh_interval,
    )
    traffic = Traffic(settings, redis, keys, clock, health=health, refreshes=refresher.results)
    operators = open_operators(settings, redis, keys, clock)
    return Resources(
        settings,
        clock,
        redis,
        feed,
        health,
        series,
        reader,
        memory,
        cache,
        refresher,
        traffic,
        operators,
    )

"""Opens everything long-lived, and closes it in reverse order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock, SystemClock
from isbitcoinlit.embedded.server import EmbeddedRedis, open_or_join
from isbitcoinlit.errors import RedisUnavailable, SeriesUnusable
from isbitcoinlit.events.announcer import Announcer
from isbitcoinlit.events.hub import EventHub
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.feeds.base import Feed
from isbitcoinlit.feeds.build import build_feed
from isbitcoinlit.feeds.health import FeedHealth
from isbitcoinlit.feeds.live.sentiment import WINDOW
from isbitcoinlit.feeds.watched import WatchedFeed
from isbitcoinlit.history.cache import AnswerCache
from isbitcoinlit.history.mood_and_returns import MoodAndReturns
from isbitcoinlit.history.reader import HistoryReader
from isbitcoinlit.history.summary import SummaryReader
from isbitcoinlit.intake.board import FeedBoard
from isbitcoinlit.intake.build import open_companions
from isbitcoinlit.intake.companions import Companions
from isbitcoinlit.intake.feeds import Intake
from isbitcoinlit.lease import Lease, hold_for
from isbitcoinlit.log import get_logger
from isbitcoinlit.operators.desk import Operators, open_operators
from isbitcoinlit.patience import patience_for
from isbitcoinlit.redis_client import connect, finder_of
from isbitcoinlit.refresh import Refresher, Stages
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.live_record import LiveRecord
from isbitcoinlit.series.planner import BucketReader
from isbitcoinlit.series.rollups import Rollups
from isbitcoinlit.series.samples import ReadingReader
from isbitcoinlit.series.source_prices import SourcePrices
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.settings import Settings
from isbitcoinlit.signals import Signals
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
    feeds: tuple[WatchedFeed, ...]
    board: FeedBoard
    series: SeriesStore
    prices: SourcePrices
    live_record: LiveRecord
    companions: Companions
    reader: SnapshotReader
    memory: SnapshotMemory
    cache: SnapshotCache
    announcer: Announcer
    hub: EventHub
    refresher: Refresher
    answers: AnswerCache
    history: HistoryReader
    summaries: SummaryReader
    signals: Signals
    comparisons: MoodAndReturns
    traffic: Traffic
    operators: Operators

    @property
    def feed(self) -> Feed:
        """The feed that speaks."""
        return self._speaking.feed

    @property
    def health(self) -> FeedHealth:
        """How the feed that speaks is doing, as far as this process knows."""
        return self._speaking.health

    @property
    def _speaking(self) -> WatchedFeed:
        return next(feed for feed in self.feeds if feed.name == self.reader.feed)


@asynccontextmanager
async def open_resources(
    settings: Settings,
    *,
    redis: Redis | None = None,
    feed: Feed | None = None,
    others: Sequence[Feed] = (),
    clock: Clock | None = None,
    role: str = SERVICE_ROLE,
) -> AsyncIterator[Resources]:
    """Open what a command or a service needs; what the caller passes in is not closed.

    A feed that is passed in, with others to try after it, stands for those of the settings.

    Raises an `EmbeddedRedisError`, or `TimeSeriesMissing` for a Redis that cannot do the work. A
    Redis that cannot be reached is no error yet: it may come.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        if redis is None:
            url = await _redis_url(stack, settings, role)
            redis = await stack.enter_async_context(connect(url, settings.key_prefix))
        feeds = [feed, *others] if feed else []
        keys = Keys(settings.key_prefix)
        record, answers = LiveRecord(redis, keys, window=WINDOW), AnswerCache(redis, keys, clock)
        for name in settings.feed if feed is None else ():
            feeds.append(build_feed(name, settings, clock, record))
            stack.push_async_callback(feeds[-1].aclose)
        companions = await stack.enter_async_context(
            # They belong to the live feed, and to no feed that a caller brings.
            open_companions(
                settings,
                redis,
                clock,
                wanted="live" in {one.name for one in feeds},
                tell=answers.forget_touched,
            )
        )
        resources = _assemble(settings, redis, feeds, record, companions, answers, clock)
        stack.push_async_callback(answers.aclose)
        stack.push_async_callback(resources.cache.aclose)
        stack.push_async_callback(resources.refresher.aclose)
        try:
            for one in feeds:
                await resources.series.prepare(one.name)
        except RedisUnavailable as error:
            log.warning("redis-unavailable-at-start", reason=str(error))
        except SeriesUnusable as error:  # Refreshes and `doctor` go on saying so.
            log.warning("series-unusable", reason=str(error))
        yield resources


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


def _assemble(
    settings: Settings,
    redis: Redis,
    feeds: Sequence[Feed],
    record: LiveRecord,
    companions: Companions,
    answers: AnswerCache,
    clock: Clock,
) -> Resources:
    """Put the pieces together; nothing is sent yet."""
    keys = Keys(settings.key_prefix)
    policy = CachePolicy(settings.snapshot_ttl, settings.stale_after, settings.serve_stale_for)
    series = SeriesStore(
        redis,
        keys,
        retention_seconds=settings.retention,
        min_replicas=settings.min_replicas,
        tell=answers.forget_touched,
    )
    prices = SourcePrices(redis, keys, retention_seconds=settings.retention)
    names = [feed.name for feed in feeds]
    reader = SnapshotReader(
        names[0],
        series,
        Rollups(redis, keys),
        clock,
        stale_after=settings.stale_after,
        others=names[1:],
    )
    memory = SnapshotMemory(clock, policy)
    hub = EventHub()
    announcer = Announcer(EventLog(redis, keys), hub)
    cache = SnapshotCache(redis, keys, reader, memory, policy)
    watched = tuple(
        WatchedFeed.of(
            feed, clock, interval=settings.refresh_interval, stale_after=settings.stale_after
        )
        for feed in feeds
    )
    board = FeedBoard(redis, keys.feed_reports("feeds"), watched, clock)
    signals = Signals(clock)
    if finder := finder_of(redis):
        finder.on_failover = signals.failed_over
    refresher = Refresher(
        Stages(Intake(watched, series, prices), reader, memory, cache, announcer),
        board,
        # Processes that pull the same feeds take turns, whichever of them they let speak first.
        Lease(
            redis,
            keys.lease("+".join(sorted(names))),
            hold=hold_for(settings.refresh_interval),
            untold=keys.untold,
        ),
        signals,
        clock,
        interval=settings.refresh_interval,
        patience=patience_for(redis),
    )
    traffic = Traffic(settings, redis, keys, clock, refreshes=refresher.results, signals=signals)
    buckets, readings = BucketReader(redis, keys), ReadingReader(redis, keys)
    operators = open_operators(settings, redis, keys, clock)
    return Resources(
        settings,
        clock,
        redis,
        watched,
        board,
        series,
        prices,
        record,
        companions,
        reader,
        memory,
        cache,
        announcer,
        hub,
        refresher,
        answers,
        HistoryReader(buckets, readings, clock, stale_after=settings.stale_after),
        SummaryReader(buckets, readings),
        signals,
        MoodAndReturns(buckets, readings),
        traffic,
        operators,
    )

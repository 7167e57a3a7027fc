"""A service's pieces put together as the service does it, around a feed of the test's."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock
from isbitcoinlit.feeds.base import Feed
from isbitcoinlit.resources import Resources, open_resources
from isbitcoinlit.settings import Settings


@asynccontextmanager
async def process(
    settings: Settings, redis: Redis, feed: Feed, clock: Clock, others: Sequence[Feed] = ()
) -> AsyncIterator[Resources]:
    """One more process of the service, without its background work."""
    async with open_resources(
        settings, redis=redis, feed=feed, others=others, clock=clock
    ) as resources:
        yield resources

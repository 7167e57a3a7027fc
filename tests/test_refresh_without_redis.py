"""Refreshes while Redis is away, comes late, or goes in between."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import structlog

from isbitcoinlit.errors import FeedUnavailable, RedisUnavailable
from isbitcoinlit.redis_client import connect
from isbitcoinlit.settings import Settings
from tests.assembly import process
from tests.manual_clock import ManualClock
from tests.own_redis import own_redis
from tests.readings import NOON, GivenFeed, readings

pytestmark = pytest.mark.anyio

DOWN = FeedUnavailable("The feed is down.")


@pytest.fixture
def clock() -> ManualClock:
    """A quarter past noon."""
    return ManualClock(NOON + timedelta(minutes=15))


async def test_an_outage_of_redis_is_logged_once(
    settings: Callable[..., Settings], feed: GivenFeed, clock: ManualClock
) -> None:
    """However many refreshes fail, the log says once that Redis fails, and once that it is back."""
    with own_redis() as server:
        async with (
            connect(server.url) as client,
            process(settings(), client, feed, clock) as resources,
        ):
            with structlog.testing.capture_logs() as lines:
                server.stop()
                for _ in range(3):
                    with pytest.raises(RedisUnavailable):
                        await resources.refresher.force()
                server.start()
                await resources.refresher.force()

    said = [line["event"] for line in lines if line["event"].startswith("redis")]
    assert said == ["redis-failing", "redis-restored"]


async def test_redis_may_come_later(
    settings: Callable[..., Settings], feed: GivenFeed, clock: ManualClock
) -> None:
    """A process that starts before its Redis makes the series with the first refresh that works."""
    with own_redis() as server:
        server.stop()
        async with (
            connect(server.url) as client,
            process(settings(), client, feed, clock) as resources,
        ):
            with pytest.raises(RedisUnavailable):
                await resources.refresher.take_turn()
            server.start()

            report = await resources.refresher.take_turn()

    assert report is not None
    assert report.added == 20


async def test_a_restart_of_redis_during_a_refresh(
    settings: Callable[..., Settings], feed: GivenFeed, clock: ManualClock
) -> None:
    """A lease that a restarted Redis no longer has does not fail the refresh that had it."""
    with own_redis() as server:
        async with (
            connect(server.url) as client,
            process(settings(), client, feed, clock) as resources,
        ):

            class Restarting(GivenFeed):
                """Empties Redis while it is asked."""

                async def pull(self) -> object:  # type: ignore[override]
                    await client.flushall()
                    return await super().pull()

            feed.pull = Restarting(readings(20)).pull  # type: ignore[method-assign,assignment]
            report = await resources.refresher.force()
            again = await resources.refresher.force()

    assert (report.added, again.added) == (20, 20)

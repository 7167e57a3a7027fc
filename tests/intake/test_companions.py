"""What goes on beside the refresh: daily feeds and gaps, in one process at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import respx
from redis.asyncio import Redis

from isbitcoinlit.feeds.health import FeedState
from isbitcoinlit.intake.build import open_companions
from isbitcoinlit.intake.companions import Companions
from isbitcoinlit.models import Reading
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.store import SeriesStore
from isbitcoinlit.settings import Settings
from tests.intake.test_backfill import play_bitstamp, samples
from tests.manual_clock import ManualClock
from tests.polling import eventually

pytestmark = pytest.mark.anyio

FNG = "https://fng.example/"
DAILY = "https://daily.example/all.json"
OHLC = "https://bitstamp.example/ohlc"
INDEX = {"data": [{"value": "47", "timestamp": "1625443200"}], "metadata": {"error": None}}
DAYS = [{"date": "2021-07-05", "mean": 0.12}]


@pytest.fixture
def live(settings: Callable[..., Settings]) -> Settings:
    """Settings with all companions."""
    return settings(
        feed="live", fear_greed_url=FNG, senticrypt_daily_url=DAILY, bitstamp_hours_url=OHLC
    )


@pytest.fixture
async def companions(live: Settings, redis: Redis, clock: ManualClock) -> AsyncIterator[Companions]:
    """The companions of one process."""
    async with open_companions(live, redis, clock, wanted=True) as companions:
        yield companions


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The names of the test's keys."""
    return Keys(key_prefix)


async def asked(question: Callable[[], Awaitable[object]]) -> None:
    """Wait until the answer is true."""
    async with asyncio.timeout(10):
        while not await question():
            await asyncio.sleep(0.01)


async def knows(companions: Companions) -> bool:
    """Whether another process has left word."""
    states = [report.state for report in await companions.board.reports()]
    return FeedState.FAILING in states


async def enough(redis: Redis, keys: Keys) -> bool:
    """Whether the gaps are filled."""
    return len(await samples(redis, keys)) > 1_000


@respx.mock
async def test_each_has_a_daily_series(
    companions: Companions, redis: Redis, key_prefix: str
) -> None:
    """Their values are stored under their own names, and every process knows how they are."""
    respx.get(FNG).mock(return_value=httpx.Response(200, json=INDEX))
    respx.get(DAILY).mock(return_value=httpx.Response(200, json=DAYS))
    respx.get(OHLC).mock(side_effect=play_bitstamp)

    async with companions.running():
        await asked(lambda: redis.exists(companions.board.key))
    day = 1_625_443_200_000

    for name, value in (("fear-greed", -0.06), ("senticrypt-daily", 0.12)):
        assert await redis.ts().get(f"{{{key_prefix}}}:{name}:sentiment") == (day, value)


@respx.mock
async def test_one_process_looks(
    companions: Companions, live: Settings, redis: Redis, clock: ManualClock
) -> None:
    """While one process does the work another leaves it alone, and knows how it went."""
    fng = respx.get(FNG).mock(return_value=httpx.Response(503))
    respx.get(DAILY).mock(return_value=httpx.Response(200, json=DAYS))
    respx.get(OHLC).mock(side_effect=play_bitstamp)

    async with companions.running():
        await eventually(lambda: fng.called)
        async with open_companions(live, redis, clock, wanted=True) as other, other.running():
            await eventually(lambda: all(feed.report().pulls for feed in companions.watched))
            await asked(lambda: knows(other))
            states = {report.name: report.state for report in await other.board.reports()}
            assert not any(feed.report().pulls for feed in other.watched)

    assert states == {"fear-greed": FeedState.FAILING, "senticrypt-daily": FeedState.OK}


@respx.mock
async def test_gaps_are_filled_at_the_start(
    companions: Companions, redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """A service that was off gets the hours that it missed; the others stay as they are."""
    respx.get(FNG).mock(return_value=httpx.Response(503))
    respx.get(DAILY).mock(return_value=httpx.Response(503))
    respx.get(OHLC).mock(side_effect=play_bitstamp)
    await SeriesStore(redis, keys).add("live", [Reading(clock.now(), 34_000.0, None)])

    async with companions.running():
        await asked(lambda: enough(redis, keys))

    stored = await samples(redis, keys)
    assert stored[int(clock.now().timestamp()) // 3600] == 34_000.0


@respx.mock
async def test_without_gaps_nobody_is_asked(
    companions: Companions, redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """An unbroken series costs the archive no request."""
    fng = respx.get(FNG).mock(return_value=httpx.Response(200, json=INDEX))
    respx.get(DAILY).mock(return_value=httpx.Response(200, json=DAYS))
    ohlc = respx.get(OHLC).mock(side_effect=play_bitstamp)
    now = int(clock.now().timestamp())
    hours = [
        Reading(clock.now().fromtimestamp(now - 3600 * i, clock.now().tzinfo), 1.0, None)
        for i in range(1_100, 0, -1)
    ]
    await SeriesStore(redis, keys).add("live", hours)

    async with companions.running():
        await eventually(lambda: fng.called)
        await asked(lambda: redis.exists(companions.board.key))

    assert not ohlc.called


async def test_without_the_live_feed_nobody_is_asked(
    live: Settings, redis: Redis, clock: ManualClock
) -> None:
    """No companions, no requests: respx would refuse them."""
    async with open_companions(live, redis, clock, wanted=False) as none, none.running():
        assert (none.feeds, none.disabled) == ([], [])


async def test_a_removed_companion_is_disabled(
    settings: Callable[..., Settings], redis: Redis, clock: ManualClock
) -> None:
    """An empty address removes it, and its name is still known."""
    some = settings(
        feed="live", fear_greed_url="", senticrypt_daily_url=DAILY, bitstamp_hours_url=""
    )

    async with open_companions(some, redis, clock, wanted=True) as companions:
        assert [feed.name for feed in companions.feeds] == ["senticrypt-daily"]
        assert companions.disabled == ["fear-greed"]

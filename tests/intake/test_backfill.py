"""Backfills: politely, resumably, and into gaps only; against played archives and a real Redis."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx
from redis.asyncio import Redis

from isbitcoinlit.errors import FeedUnavailable
from isbitcoinlit.events.event import EventKind
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.feeds.archive.base import Archive
from isbitcoinlit.feeds.archive.bitstamp_hours import BitstampHours
from isbitcoinlit.feeds.archive.senticrypt_hours import SentiCryptHours
from isbitcoinlit.feeds.archive.whole import WholeFeed
from isbitcoinlit.feeds.daily.fear_greed import FearGreed
from isbitcoinlit.intake.backfill import Backfill, Progress
from isbitcoinlit.models import Reading
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.store import SeriesStore
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

OHLC = "https://bitstamp.example/ohlc"
FNG = "https://fng.example/"
HISTORY = "https://senticrypt.example/v1/history"
V1 = "https://senticrypt.example/v1/bitcoin.json"
HOUR = timedelta(hours=1)


class Interrupted(BaseException):
    """What Ctrl-C raises."""


class Naps:
    """Sleeps that take no time, and are remembered."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Go on at once."""
        self.seconds.append(seconds)


@pytest.fixture
def naps() -> Naps:
    """The backfill's sleeps."""
    return Naps()


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The names of the test's keys."""
    return Keys(key_prefix)


@pytest.fixture
def backfill(redis: Redis, keys: Keys, naps: Naps) -> Backfill:
    """A backfill into the test's series."""
    return Backfill(redis, keys, sleep=naps.sleep)


@pytest.fixture
async def hours(clock: ManualClock) -> AsyncIterator[BitstampHours]:
    """The last 2,500 hours: three or four parts."""
    archive = BitstampHours(OHLC, clock, clock.now() - 2_500 * HOUR)
    yield archive
    await archive.aclose()


def play_bitstamp(request: httpx.Request) -> httpx.Response:
    """Answer with a price for every hour: the hour's number since the epoch."""
    query = parse_qs(urlsplit(str(request.url)).query)
    end, limit = int(query["end"][0]), int(query["limit"][0])
    bars = [
        {"timestamp": str(at), "close": str(at // 3600), "volume": "1"}
        for at in range(end - 3600 * (limit - 1), end + 1, 3600)
    ]
    return httpx.Response(200, json={"data": {"ohlc": bars}})


async def samples(redis: Redis, keys: Keys) -> dict[int, float]:
    """The live prices that are stored, by the number of their hour."""
    found = await redis.ts().range(f"{{{keys.prefix}}}:live:price", "-", "+")
    return {int(time) // 3_600_000: value for time, value in found}


@respx.mock
async def test_every_hour_gets_its_price(
    backfill: Backfill, hours: BitstampHours, redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """From the first block to the hour before the present one, one request a second."""
    respx.get(OHLC).mock(side_effect=play_bitstamp)
    told: list[Progress] = []

    result = await backfill.run(hours, told.append)

    stored = await samples(redis, keys)
    assert all(hour == value for hour, value in stored.items())
    last = int(clock.now().timestamp()) // 3600 - 1
    assert sorted(stored) == list(range(last - len(stored) + 1, last + 1))
    assert len(stored) == result.added >= 2_500
    assert [progress.done for progress in told] == list(range(result.parts + 1))


@respx.mock
async def test_it_is_polite(backfill: Backfill, hours: BitstampHours, naps: Naps) -> None:
    """A second goes by before every request."""
    respx.get(OHLC).mock(side_effect=play_bitstamp)

    result = await backfill.run(hours)

    assert naps.seconds == [1.0] * result.requests


@respx.mock
async def test_what_is_stored_is_not_asked_for_again(
    backfill: Backfill, hours: BitstampHours, redis: Redis, keys: Keys
) -> None:
    """A second run asks for the block that still grows, and adds nothing."""
    route = respx.get(OHLC).mock(side_effect=play_bitstamp)
    first = await backfill.run(hours)
    before = await samples(redis, keys)

    second = await backfill.run(hours)

    assert route.call_count == first.parts + 1
    assert (second.done, second.requests, second.added) == (first.parts, 1, 0)
    assert await samples(redis, keys) == before


@respx.mock
async def test_an_interruption_loses_nothing(
    backfill: Backfill, hours: BitstampHours, redis: Redis, keys: Keys
) -> None:
    """After Ctrl-C the next run goes on with the part that was not done."""
    route = respx.get(OHLC).mock(side_effect=play_bitstamp)

    def interrupt(progress: Progress) -> None:
        if progress.done == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        await backfill.run(hours, interrupt)
    result = await backfill.run(hours)

    assert route.call_count == result.parts
    assert len(await samples(redis, keys)) >= 2_500


@respx.mock
async def test_streams_hear_of_it_once(
    backfill: Backfill, hours: BitstampHours, redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """What was added is told as one `resync` when the run ends or is ended, and nothing as none."""
    respx.get(OHLC).mock(side_effect=play_bitstamp)
    index = {"data": [{"value": "47", "timestamp": "1625443200"}], "metadata": {"error": None}}
    respx.get(FNG).mock(return_value=httpx.Response(200, json=index))
    told = []

    def interrupt(progress: Progress) -> None:
        if progress.done == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        await backfill.run(hours, interrupt)
    daily = WholeFeed(FearGreed(FNG, clock))
    archives: list[Archive] = [hours, hours, daily]
    for archive in archives:
        told.append(len(await EventLog(redis, keys).newest()))
        await backfill.run(archive)
    await daily.aclose()
    events = await EventLog(redis, keys).newest()

    assert [*told, len(events)] == [1, 2, 2, 2]
    assert {event.kind for event in events} == {EventKind.RESYNC}
    assert json.loads(events[0].data) == {"reason": "many-readings", "feed": "live"}


@respx.mock
async def test_only_gaps_are_filled(
    backfill: Backfill, hours: BitstampHours, redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """An hour that has live prices keeps them, and gets no other."""
    respx.get(OHLC).mock(side_effect=play_bitstamp)
    live = clock.now() - 5 * HOUR
    await SeriesStore(redis, keys).add("live", [Reading(live, 34_000.0, 0.1)])

    await backfill.run(hours)

    stored = await redis.ts().range(
        f"{{{keys.prefix}}}:live:price",
        int(live.replace(minute=0).timestamp() * 1_000),
        int((live.replace(minute=0) + HOUR).timestamp() * 1_000) - 1,
    )
    assert [value for _, value in stored] == [34_000.0]


@respx.mock
async def test_a_busy_archive_is_waited_for(
    backfill: Backfill, hours: BitstampHours, naps: Naps
) -> None:
    """`Retry-After` is obeyed, and other failures are waited out, longer and longer."""
    answers = iter([httpx.Response(429, headers={"Retry-After": "77"}), httpx.Response(403)])
    respx.get(OHLC).mock(side_effect=lambda request: next(answers, None) or play_bitstamp(request))

    result = await backfill.run(hours)

    assert naps.seconds[1] == 77
    assert 3.6 <= naps.seconds[2] <= 4
    assert (result.done, result.unusable) == (result.parts, ())


@respx.mock
async def test_an_archive_that_is_gone_ends_it(
    backfill: Backfill, hours: BitstampHours, redis: Redis, keys: Keys
) -> None:
    """After six tries the error is raised, and nothing is marked."""
    route = respx.get(OHLC).mock(return_value=httpx.Response(403))

    with pytest.raises(FeedUnavailable, match="403"):
        await backfill.run(hours)

    assert route.call_count == 6
    assert not await redis.exists(keys.backfilled("price"))


@respx.mock
async def test_a_bad_part_does_not_stop_the_others(
    backfill: Backfill, redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """Of SentiCrypt's archive an hour may be missing or be rubbish; only rubbish is asked again."""
    names = [f"bitcoin-2021-07-01_0{hour}.json" for hour in range(4)]
    respx.get(f"{HISTORY}/index.json").mock(return_value=httpx.Response(200, json=names))

    def rows(start: int) -> list[dict[str, object]]:
        return [{"timestamp": start + 30 * i, "btc_price": "1", "mean": 0.1} for i in range(9)]

    answers = [
        httpx.Response(200, json=rows(1_625_097_600)),
        httpx.Response(404),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json=rows(1_625_108_400)),
    ]
    routes = [
        respx.get(f"{HISTORY}/{name}").mock(return_value=answer)
        for name, answer in zip(names, answers, strict=True)
    ]
    archive = SentiCryptHours(V1, clock, datetime(2021, 7, 1, tzinfo=UTC), clock.now())

    first = await backfill.run(archive)
    second = await backfill.run(archive)
    await archive.aclose()

    assert (first.added, first.unusable) == (18, (names[2],))
    assert (second.requests, second.added) == (1, 0)
    assert [route.call_count for route in routes] == [1, 1, 2, 1]
    info = await redis.ts().info(f"{{{keys.prefix}}}:senticrypt:sentiment")
    assert info["total_samples"] == 18

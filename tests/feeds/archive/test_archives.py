"""Archives of prices and readings."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import respx

from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.archive.bitstamp_hours import FIRST, BitstampHours
from isbitcoinlit.feeds.archive.senticrypt_hours import SentiCryptHours
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

OHLC = "https://bitstamp.example/ohlc"
V1 = "https://senticrypt.example/v1/bitcoin.json"
HISTORY = "https://senticrypt.example/v1/history"
BLOCK = timedelta(hours=1000)


def bar(time: datetime, close: str = "84865.17", volume: str = "26.5") -> str:
    """An hour of Bitstamp's, its keys in some order."""
    seconds = int(time.timestamp())
    return f'{{"volume":"{volume}","close":"{close}","open":"1","timestamp":"{seconds}"}}'


def bars(*each: str) -> httpx.Response:
    """What Bitstamp answers."""
    body = f'{{"data":{{"pair":"BTC/USD","ohlc":[{",".join(each)}]}}}}'
    return httpx.Response(200, content=body.encode())


@respx.mock
async def test_a_block_is_asked_for_by_its_last_hour(clock: ManualClock) -> None:
    """A part is 1,000 hours; the price of an hour stands at its last millisecond."""
    hours = BitstampHours(OHLC, clock, clock.now() - BLOCK)
    first, last = await hours.parts()
    start = datetime(1970, 1, 1, tzinfo=UTC) + int(first) * BLOCK
    answer = bars(
        bar(start - timedelta(hours=1)),  # of the block before
        bar(start, "100"),
        bar(start + timedelta(hours=1), "99", volume="0.00000000"),  # no trade: a repetition
        bar(start + BLOCK - timedelta(hours=1), "101"),
    )
    route = respx.get(OHLC).mock(return_value=answer)

    pull = await hours.read(first)
    await hours.aclose()

    end = int((start + BLOCK).timestamp()) - 3600
    assert dict(route.calls.last.request.url.params) == {
        "step": "3600",
        "limit": "1000",
        "end": str(end),
    }
    millisecond = timedelta(milliseconds=1)
    assert [(reading.time, reading.price) for reading in pull.readings] == [
        (start + timedelta(hours=1) - millisecond, 100),
        (start + BLOCK - millisecond, 101),
    ]
    assert (hours.closed(first), hours.closed(last)) == (True, False)


@respx.mock
async def test_the_hour_that_goes_on_is_left_out(clock: ManualClock) -> None:
    """Its last price is not known yet."""
    now = clock.now()
    running = now.replace(minute=0)
    respx.get(OHLC).mock(return_value=bars(bar(running - timedelta(hours=1)), bar(running)))
    hours = BitstampHours(OHLC, clock, now)
    [part] = await hours.parts()

    pull = await hours.read(part)
    await hours.aclose()

    assert [reading.time.hour for reading in pull.readings] == [running.hour - 1]


async def test_nothing_is_asked_for_before_the_first_day(clock: ManualClock) -> None:
    """Whoever asks from 2009 on gets what there is, in about 90 requests until 2021."""
    hours = BitstampHours(OHLC, clock, datetime(2009, 1, 3, tzinfo=UTC))

    parts = await hours.parts()
    await hours.aclose()

    assert parts[0] == str((FIRST - datetime(1970, 1, 1, tzinfo=UTC)) // BLOCK)
    assert 80 < len(parts) < 100


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"data":{"ohlc":[{}]}}', b'{"data":[]}'])
@respx.mock
async def test_what_are_no_bars_is_invalid(clock: ManualClock, body: bytes) -> None:
    """Another shape is a failure, not an empty block."""
    respx.get(OHLC).mock(return_value=httpx.Response(200, content=body))
    hours = BitstampHours(OHLC, clock, clock.now())

    with pytest.raises(FeedInvalid):
        await hours.read("450")
    await hours.aclose()


@respx.mock
async def test_a_broken_bar_stops_no_other(clock: ManualClock) -> None:
    """What is no bar is counted, and the bars beside it are read."""
    hours = BitstampHours(OHLC, clock, clock.now() - BLOCK)
    first, _ = await hours.parts()
    start = datetime(1970, 1, 1, tzinfo=UTC) + int(first) * BLOCK
    answer = bars(bar(start, "100"), "{}", "null", bar(start + timedelta(hours=2), "-1"))
    respx.get(OHLC).mock(return_value=answer)

    pull = await hours.read(first)
    await hours.aclose()

    assert [reading.price for reading in pull.readings] == [100]
    assert pull.rejected == {"bar-unusable": 3}


@respx.mock
async def test_the_archives_hours_come_from_its_index(clock: ManualClock) -> None:
    """Only what the index names is asked for, in order, and in the range."""
    names = [f"bitcoin-2021-07-0{day}_{hour}.json" for day in (2, 1) for hour in ("05", "04")]
    index = httpx.Response(200, json=[*names, "index.json", "bitcoin-2021-99-01_05.json"])
    respx.get(f"{HISTORY}/index.json").mock(return_value=index)
    since = datetime(2021, 7, 1, 4, 30, tzinfo=UTC)
    hours = SentiCryptHours(V1, clock, since, datetime(2021, 7, 2, 5, tzinfo=UTC))

    parts = await hours.parts()
    await hours.aclose()

    assert parts == [
        "bitcoin-2021-07-01_04.json",
        "bitcoin-2021-07-01_05.json",
        "bitcoin-2021-07-02_04.json",
    ]


@respx.mock
async def test_an_hour_of_the_archive(clock: ManualClock) -> None:
    """A file has the rows of the feed; one that is missing after all has none."""
    row = [{"timestamp": 1625112000.5, "btc_price": "33885", "mean": 0.2}]
    respx.get(f"{HISTORY}/bitcoin-2021-07-01_04.json").mock(
        return_value=httpx.Response(200, json=row)
    )
    respx.get(f"{HISTORY}/bitcoin-2021-07-01_05.json").mock(return_value=httpx.Response(404))
    hours = SentiCryptHours(V1, clock, clock.now(), clock.now())

    found = await hours.read("bitcoin-2021-07-01_04.json")
    missing = await hours.read("bitcoin-2021-07-01_05.json")
    await hours.aclose()

    assert [reading.price for reading in found.readings] == [33885]
    assert missing.readings == ()
    assert hours.closed("bitcoin-2021-07-01_04.json")
    assert not hours.closed("bitcoin-2021-07-07_17.json")

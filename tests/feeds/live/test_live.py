"""The live feed against exchanges and news sites that fail one at a time."""

from datetime import timedelta

import httpx
import pytest
import respx

from isbitcoinlit.errors import FeedUnavailable
from isbitcoinlit.feeds.health import FeedReport, FeedState
from isbitcoinlit.feeds.live.live import Live
from tests.feeds.live.conftest import BITSTAMP, COINBASE, KRAKEN, NEWS, TAG, MakeLive, Rss, ticker
from tests.feeds.memory_store import MemoryStore
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

TITLES = ("Bitcoin surges", "Bitcoin rallies", "Bitcoin slips", "BTC flat", "Bitcoin jumps")
ADDRESSES = {"kraken": KRAKEN, "bitstamp": BITSTAMP, "coinbase": COINBASE}
HTML = b"<html><title>Just a moment...</title></html>"


def play_prices(
    world: respx.MockRouter, clock: ManualClock, **prices: float | httpx.Response
) -> None:
    """Let each exchange answer with its price, or with something else."""
    for name, price in prices.items():
        if isinstance(price, httpx.Response):
            answer = price
        else:
            answer = httpx.Response(200, content=ticker(name, price, clock.now()))
        world.get(ADDRESSES[name]).mock(return_value=answer)


def play_news(world: respx.MockRouter, news: bytes | None, tag: bytes | None = None) -> None:
    """Let the news sites answer; None is a 503."""
    for url, body in ((NEWS, news), (TAG, tag)):
        answer = httpx.Response(503) if body is None else httpx.Response(200, content=body)
        world.get(url).mock(return_value=answer)


def state(live: Live, name: str) -> FeedReport:
    """What is known of one source."""
    return next(report for report in live.reports() if report.name.startswith(name))


async def test_price_and_mood(
    world: respx.MockRouter, make_live: MakeLive, clock: ManualClock, rss: Rss
) -> None:
    """With everybody there a reading is the median and the weighted mean."""
    play_prices(world, clock, kraken=100, bitstamp=102, coinbase=101)
    play_news(world, rss(*TITLES))
    live = make_live()

    pull = await live.pull()

    [reading] = pull.readings
    assert (reading.time, reading.price) == (clock.now(), 101.0)
    assert reading.sentiment is not None
    assert reading.sentiment > 0.2
    assert {price.source: price.price for price in pull.prices} == {
        "kraken": 100,
        "bitstamp": 102,
        "coinbase": 101,
    }
    assert [report.state for report in live.reports()] == [FeedState.OK] * 4 + [FeedState.FAILING]


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (httpx.Response(503), "503"),
        (httpx.Response(520, content=HTML), "520"),
        (httpx.Response(200, content=HTML), "HTML"),
        (httpx.Response(200, content=b'{"error":["EQuery:Unknown asset pair"]}'), "EQuery"),
        (httpx.Response(200, content=b'{"error":[],"result":{}}'), "unknown shape"),
        (httpx.Response(200, content=b"x" * 100_001), "more than 0.1 MB"),
    ],
)
async def test_a_dead_source_costs_its_share(
    world: respx.MockRouter,
    make_live: MakeLive,
    clock: ManualClock,
    lie: httpx.Response,
    words: str,
) -> None:
    """Whatever one exchange does, the others make the price, and the health says why."""
    play_prices(world, clock, kraken=lie, bitstamp=102, coinbase=101)
    play_news(world, None)
    live = make_live()

    pull = await live.pull()

    assert pull.readings[0].price == 101.5
    assert pull.readings[0].sentiment is None
    assert state(live, "kraken").state is FeedState.FAILING
    assert words in (state(live, "kraken").last_error or "")


async def test_a_timeout_costs_its_share(
    world: respx.MockRouter, make_live: MakeLive, clock: ManualClock
) -> None:
    """An exchange that does not answer in time is one that fails."""
    play_prices(world, clock, bitstamp=102, coinbase=101)
    world.get(KRAKEN).mock(side_effect=httpx.ReadTimeout)
    play_news(world, None)
    live = make_live()

    assert (await live.pull()).readings[0].price == 101.5
    assert "sent nothing" in (state(live, "kraken").last_error or "")


async def test_too_many_requests(
    world: respx.MockRouter, make_live: MakeLive, clock: ManualClock
) -> None:
    """A 429 with `Retry-After` is obeyed, and the others are asked meanwhile."""
    limited = httpx.Response(429, headers={"Retry-After": "120"})
    play_prices(world, clock, kraken=limited, bitstamp=102, coinbase=101)
    play_news(world, None)
    live = make_live()
    await live.pull()
    asked = world.get(KRAKEN)

    clock.advance(119)
    play_prices(world, clock, bitstamp=102, coinbase=101)
    await live.pull()
    before = asked.call_count
    clock.advance(2)
    play_prices(world, clock, bitstamp=102, coinbase=101)
    await live.pull()

    assert (before, asked.call_count) == (1, 2)


async def test_a_source_that_stands_still_is_stale(
    world: respx.MockRouter, make_live: MakeLive, clock: ManualClock
) -> None:
    """It answers, so it is not failing; its price is old, so it does not count."""
    play_prices(world, clock, bitstamp=50)
    clock.advance(150)
    play_prices(world, clock, kraken=100, coinbase=101)
    play_news(world, None)
    live = make_live()

    pull = await live.pull()

    assert pull.readings[0].price == 100.5
    assert pull.rejected == {"price-too-old": 1}
    assert state(live, "bitstamp").state is FeedState.STALE


@pytest.mark.parametrize("name", ["bitstamp", "coinbase"])
async def test_a_price_of_the_future_is_a_failure(
    world: respx.MockRouter, make_live: MakeLive, clock: ManualClock, name: str
) -> None:
    """A source that lies about the time is not `ok`, and what it said is not stored."""
    lie = ticker(name, 50, clock.now() + timedelta(seconds=62))
    play_prices(world, clock, kraken=100, bitstamp=100, coinbase=100)
    play_prices(world, clock, **{name: httpx.Response(200, content=lie)})
    play_news(world, None)
    live = make_live()

    pull = await live.pull()

    assert pull.readings[0].price == 100
    assert name not in {price.source for price in pull.prices}
    assert state(live, name).state is FeedState.FAILING
    assert "price of the future (2021-07-07" in (state(live, name).last_error or "")
    assert state(live, name).newest is None


async def test_a_disagreement_is_settled_by_the_last_price(
    world: respx.MockRouter, make_live: MakeLive, store: MemoryStore, clock: ManualClock
) -> None:
    """Of two prices 3 % apart the one nearer the last counts, also after a restart."""
    store.price = (clock.now() - timedelta(seconds=30), 103.2)
    play_prices(world, clock, kraken=httpx.Response(503), bitstamp=100, coinbase=103)
    play_news(world, None)

    pull = await make_live().pull()

    assert pull.readings[0].price == 103


async def test_mood_without_price(
    world: respx.MockRouter, make_live: MakeLive, clock: ManualClock, rss: Rss
) -> None:
    """With no exchange there is a mood, at the present time."""
    dead = httpx.Response(503)
    play_prices(world, clock, kraken=dead, bitstamp=dead, coinbase=dead)
    play_news(world, rss(*TITLES))

    [reading] = (await make_live().pull()).readings

    assert (reading.time, reading.price) == (clock.now(), None)
    assert reading.sentiment is not None


async def test_nothing_at_all(
    world: respx.MockRouter, make_live: MakeLive, clock: ManualClock, rss: Rss
) -> None:
    """No price and four headlines are no reading, and the error says what is wrong."""
    dead = httpx.Response(503)
    play_prices(world, clock, kraken=dead, bitstamp=dead, coinbase=dead)
    play_news(world, rss(*TITLES[:4]))
    live = make_live()

    with pytest.raises(FeedUnavailable, match=r"kraken: kraken\.example answered 503"):
        await live.pull()


async def test_a_mood_that_nobody_confirms_ends(
    world: respx.MockRouter, make_live: MakeLive, clock: ManualClock, rss: Rss
) -> None:
    """When no news site has answered for two of its intervals, the old mood is not repeated."""
    play_prices(world, clock, kraken=100, bitstamp=100, coinbase=100)
    play_news(world, rss(*TITLES))
    live = make_live()
    assert (await live.pull()).readings[0].sentiment is not None
    play_news(world, None)

    clock.advance(359)
    play_prices(world, clock, kraken=100, bitstamp=100, coinbase=100)
    still = (await live.pull()).readings[0].sentiment
    clock.advance(2)
    play_prices(world, clock, kraken=100, bitstamp=100, coinbase=100)
    ended = (await live.pull()).readings[0].sentiment

    assert still is not None
    assert ended is None

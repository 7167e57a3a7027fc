"""What the tests of the live feed start from: addresses, a store, and a world that is played."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
import respx

from isbitcoinlit.feeds.live.live import Live, LiveAddresses
from isbitcoinlit.feeds.live.news_feed import NewsAddress
from isbitcoinlit.feeds.live.scorer import MarketScorer
from tests.feeds.memory_store import MemoryStore
from tests.manual_clock import ManualClock

KRAKEN = "https://kraken.example/ticker"
BITSTAMP = "https://bitstamp.example/ticker"
COINBASE = "https://coinbase.example/ticker"
NEWS = "https://www.news.example/rss"
TAG = "https://tag.example/rss/tag/bitcoin"

MakeLive = Callable[[], Live]
Rss = Callable[..., bytes]


@pytest.fixture
def world() -> Iterator[respx.MockRouter]:
    """Everybody else's servers; what a test does not play is an error."""
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def store() -> MemoryStore:
    """What outlives a process."""
    return MemoryStore()


@pytest.fixture
async def make_live(clock: ManualClock, store: MemoryStore) -> AsyncIterator[MakeLive]:
    """Makes the feed, as often as there are processes."""
    made: list[Live] = []

    def make() -> Live:
        addresses = LiveAddresses(
            {"kraken": KRAKEN, "bitstamp": BITSTAMP, "coinbase": COINBASE},
            [NewsAddress(NEWS, 180), NewsAddress(TAG, 900)],
        )
        made.append(Live(addresses, store, MarketScorer(), clock, interval=30))
        return made[-1]

    yield make
    for live in made:
        await live.aclose()


@pytest.fixture
def rss(clock: ManualClock) -> Rss:
    """Makes an RSS document of titles, each a minute older than the one before."""

    def make(*titles: str, age: timedelta = timedelta(minutes=1)) -> bytes:
        items = "".join(
            f"<item><title>{title}</title><guid>{title}</guid>"
            f"<pubDate>{_date(clock.now() - age * (index + 1))}</pubDate></item>"
            for index, title in enumerate(titles)
        )
        return f"<rss><channel>{items}</channel></rss>".encode()

    return make


def _date(moment: datetime) -> str:
    return format_datetime(moment)


def ticker(name: str, price: float, time: datetime) -> bytes:
    """What an exchange answers."""
    if name == "kraken":
        return f'{{"error":[],"result":{{"XXBTZUSD":{{"c":["{price}","1"]}}}}}}'.encode()
    if name == "bitstamp":
        return f'{{"timestamp":"{int(time.timestamp())}","last":"{price}"}}'.encode()
    return f'{{"price":"{price}","time":"{time:%Y-%m-%dT%H:%M:%S.%f}789Z"}}'.encode()

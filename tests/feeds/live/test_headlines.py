"""News feeds: each on its own clock, each headline once, whatever restarts."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import respx

from isbitcoinlit.feeds.health import FeedState
from isbitcoinlit.feeds.http import open_client
from isbitcoinlit.feeds.live.headlines import Headlines
from isbitcoinlit.feeds.live.news_feed import NewsAddress
from isbitcoinlit.feeds.live.scorer import MarketScorer
from tests.feeds.live.conftest import NEWS, TAG, Rss
from tests.feeds.memory_store import MemoryStore
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The feed's client."""
    async with open_client() as client:
        yield client


@pytest.fixture
def headlines(store: MemoryStore, client: httpx.AsyncClient, clock: ManualClock) -> Headlines:
    """Two news feeds, one of them a tag's."""
    return two_feeds(store, client, clock)


def two_feeds(store: MemoryStore, client: httpx.AsyncClient, clock: ManualClock) -> Headlines:
    """One process's news feeds."""
    addresses = [NewsAddress(NEWS, 180), NewsAddress(TAG, 900)]
    return Headlines(addresses, store, client, MarketScorer(), clock)


def titles(store: MemoryStore) -> list[str]:
    """The titles that are kept."""
    return [headline.title for headline in store.headlines]


async def test_only_bitcoin_is_news(
    world: respx.MockRouter, headlines: Headlines, store: MemoryStore, rss: Rss
) -> None:
    """A title names bitcoin or BTC, or comes from a feed about it."""
    mixed = rss("Bitcoin up", "Ether up", "BTC down", "Wrapped btcx")
    world.get(NEWS).mock(return_value=httpx.Response(200, content=mixed))
    world.get(TAG).mock(return_value=httpx.Response(200, content=rss("Halving nears")))

    await headlines.ask()

    assert sorted(titles(store)) == ["BTC down", "Bitcoin up", "Halving nears"]


async def test_each_feed_is_asked_on_its_own_clock(
    world: respx.MockRouter, headlines: Headlines, clock: ManualClock, rss: Rss
) -> None:
    """In 15 minutes of pulls every 30 s one feed is asked five times, and the other once."""
    news = world.get(NEWS).mock(return_value=httpx.Response(200, content=rss("Bitcoin up")))
    tag = world.get(TAG).mock(return_value=httpx.Response(200, content=rss("Bitcoin down")))

    for _ in range(30):
        await headlines.ask()
        clock.advance(30)

    assert (news.call_count, tag.call_count) == (5, 1)


async def test_another_process_does_not_ask_again(
    world: respx.MockRouter,
    headlines: Headlines,
    store: MemoryStore,
    client: httpx.AsyncClient,
    clock: ManualClock,
    rss: Rss,
) -> None:
    """After a restart window and states are known, and nobody is asked before it is time."""
    five = rss(*(f"Bitcoin up {index}" for index in range(5)))
    news = world.get(NEWS).mock(return_value=httpx.Response(200, content=five))
    world.get(TAG).mock(return_value=httpx.Response(200, content=rss("Bitcoin down")))
    mood = await headlines.ask()

    clock.advance(60)
    restarted = two_feeds(store, client, clock)
    later = await restarted.ask()

    assert mood is not None
    assert later is not None
    assert later.count == mood.count == 6
    assert news.call_count == 1
    assert [report.state for report in restarted.reports()] == [FeedState.OK, FeedState.OK]
    assert [report.next_attempt_in for report in restarted.reports()] == [120, 840]


async def test_requests_are_conditional(
    world: respx.MockRouter, headlines: Headlines, store: MemoryStore, clock: ManualClock, rss: Rss
) -> None:
    """The validators come back, and "unchanged" is a success that changes nothing."""
    good = httpx.Response(
        200,
        content=rss("Bitcoin up"),
        headers={"ETag": '"1"', "Last-Modified": "Wed, 07 Jul 2021 17:00:00 GMT"},
    )
    news = world.get(NEWS).mock(side_effect=[good, httpx.Response(304)])
    world.get(TAG).mock(return_value=httpx.Response(503))
    await headlines.ask()
    clock.advance(181)

    await headlines.ask()

    sent = news.calls.last.request.headers
    assert (sent["if-none-match"], sent["if-modified-since"]) == (
        '"1"',
        "Wed, 07 Jul 2021 17:00:00 GMT",
    )
    report = headlines.reports()[0]
    assert (report.state, report.failures, report.pulls) == (FeedState.OK, 0, 2)
    assert titles(store) == ["Bitcoin up"]


async def test_a_headline_is_kept_once(
    world: respx.MockRouter, headlines: Headlines, store: MemoryStore, clock: ManualClock
) -> None:
    """Neither a title in other words' case, nor an edited title of one item, is news again."""

    def document(*items: tuple[str, str, str]) -> httpx.Response:
        body = "".join(
            f"<item><title>{title}</title><guid>{guid}</guid>"
            f"<pubDate>Wed, 07 Jul 2021 {time}:00 GMT</pubDate></item>"
            for title, guid, time in items
        )
        return httpx.Response(200, content=f"<rss>{body}</rss>".encode())

    first = document(("Bitcoin up", "1", "17:00"), ("Bitcoin today", "daily", "16:00"))
    second = document(
        ("BITCOIN: UP!", "2", "17:10"),  # the same title, from another item
        ("Bitcoin goes up", "1", "17:00"),  # the same item, edited
        ("Bitcoin tomorrow", "daily", "17:20"),  # the same guid, with a new time and title
    )
    world.get(NEWS).mock(side_effect=[first, second])
    world.get(TAG).mock(return_value=httpx.Response(503))

    await headlines.ask()
    clock.advance(181)
    await headlines.ask()

    assert titles(store) == ["Bitcoin today", "Bitcoin up", "Bitcoin tomorrow"]


async def test_a_date_in_the_future_becomes_now(
    world: respx.MockRouter, headlines: Headlines, store: MemoryStore, clock: ManualClock, rss: Rss
) -> None:
    """A headline cannot be younger than the moment it was read."""
    body = rss("Bitcoin up", age=-timedelta(hours=5))
    world.get(NEWS).mock(return_value=httpx.Response(200, content=body))
    world.get(TAG).mock(return_value=httpx.Response(503))

    await headlines.ask()

    assert [headline.time for headline in store.headlines] == [clock.now()]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<rss><channel></channel></rss>", "no items"),
        (b"<html><title>Just a moment...</title></html>", "no items"),
        (b"<!doctype html><br>", "not RSS"),
        (b"x" * 2_000_001, "more than 2 MB"),
    ],
)
async def test_no_items_is_a_failure(
    world: respx.MockRouter, headlines: Headlines, content: bytes, words: str
) -> None:
    """A page without news is a failure of its feed, not a quiet day."""
    world.get(NEWS).mock(return_value=httpx.Response(200, content=content))
    world.get(TAG).mock(return_value=httpx.Response(503))

    assert await headlines.ask() is None

    report = headlines.reports()[0]
    assert report.state is FeedState.FAILING
    assert words in (report.last_error or "")


async def test_old_news_is_stale(
    world: respx.MockRouter, headlines: Headlines, store: MemoryStore, rss: Rss
) -> None:
    """A feed whose newest item is over a day old answers, and says nothing."""
    body = rss("Bitcoin up", age=timedelta(hours=25))
    world.get(NEWS).mock(return_value=httpx.Response(200, content=body))
    world.get(TAG).mock(return_value=httpx.Response(503))

    await headlines.ask()

    assert headlines.reports()[0].state is FeedState.STALE
    assert titles(store) == []


@pytest.mark.parametrize(
    ("entry", "name", "every", "about_bitcoin"),
    [
        ("https://www.coindesk.com/arc/outboundfeeds/rss/ 180", "coindesk.com", 180, False),
        ("https://cointelegraph.com/rss/tag/bitcoin", "cointelegraph.com", 900, True),
        ("http://user:secret@127.0.0.1:81/btc.xml 0.5", "127.0.0.1:81", 0.5, True),
    ],
)
def test_an_address(entry: str, name: str, every: float, about_bitcoin: bool) -> None:
    """An entry of the setting gives name and interval, and no password."""
    address = NewsAddress.parse(entry)

    assert (address.name, address.every, address.about_bitcoin) == (name, every, about_bitcoin)

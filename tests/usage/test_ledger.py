"""Who asked how often, kept in a real Redis."""

import pytest
from redis.asyncio import Redis

from isbitcoinlit.limits.policy import Group
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.usage import ledger
from isbitcoinlit.usage.ledger import DAY, HOUR, Ledger, Period
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def book(redis: Redis, key_prefix: str, clock: ManualClock) -> Ledger:
    """An empty ledger."""
    return Ledger(redis, Keys(key_prefix), clock)


async def test_a_day_of_requests(book: Ledger, clock: ManualClock) -> None:
    """Totals and top clients add up over the buckets, the busiest client first."""
    for hour in range(3):
        await book.add(
            {("aa", Group.SNAPSHOT): 5, ("bb", Group.SNAPSHOT): 2, ("bb", Group.HISTORY): hour},
            {"snapshot|200": 5, "snapshot|304": 2, "history|429": hour},
        )
        clock.advance(3_600)
    usage = await book.read(DAY, 10)
    assert usage.statuses == {Group.SNAPSHOT: {200: 15, 304: 6}, Group.HISTORY: {429: 3}}
    assert [(c.client, c.requests, c.groups) for c in usage.top] == [
        ("aa", 15, {Group.SNAPSHOT: 15}),
        ("bb", 9, {Group.SNAPSHOT: 6, Group.HISTORY: 3}),
    ]


@pytest.mark.parametrize(("period", "seconds"), [(HOUR, 4_200), (DAY, 90_000)])
async def test_periods_end(
    book: Ledger, clock: ManualClock, period: Period, seconds: float
) -> None:
    """What is older than the period is not told, what is not is."""
    await book.add({("aa", Group.OTHER): 1}, {"other|200": 1})
    clock.advance(seconds - period.bucket_seconds - 1)
    assert (await book.read(period, 1)).top[0].requests == 1
    clock.advance(period.bucket_seconds + 1)
    assert (await book.read(period, 1)).top == ()


async def test_only_so_many_are_told(book: Ledger) -> None:
    """Asked for the first two of three clients, it tells two."""
    await book.add({(name, Group.OTHER): n for n, name in enumerate(("aa", "bb", "cc"), 1)}, {})
    assert [client.client for client in (await book.read(HOUR, 2)).top] == ["cc", "bb"]


async def test_everything_expires(book: Ledger, redis: Redis, key_prefix: str) -> None:
    """Every key has a time to live, of a bit more than its period."""
    await book.add({("aa", Group.OTHER): 1}, {"other|200": 1})
    await book.read(HOUR, 1)
    lives = [await redis.ttl(key) async for key in redis.scan_iter(f"{{{key_prefix}}}:*")]
    assert len(lives) == 7
    assert all(0 < life <= 26 * 3_600 for life in lives)


async def test_many_clients(
    book: Ledger, redis: Redis, key_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of addresses is bounded, and those who asked most are kept."""
    monkeypatch.setattr(ledger, "CLIENTS", 50)
    flood = {(f"{n:016x}", Group.OTHER): 1 for n in range(500)}
    await book.add(flood | {("busy", Group.OTHER): 9}, {})
    async for key in redis.scan_iter(f"{{{key_prefix}}}:*:clients"):
        assert await redis.zcard(key) == 50
    assert (await book.read(HOUR, 1)).top[0].client == "busy"

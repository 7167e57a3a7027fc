"""The price of each source, in a real Redis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from isbitcoinlit.models import SourcePrice
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.source_prices import SourcePrices
from tests.command_count import CommandCount

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KRAKEN = SourcePrice("kraken", NOW, 60_000.0)
BITSTAMP = SourcePrice("bitstamp", NOW - timedelta(seconds=5), 61_000.0)


@pytest.fixture
def prices(redis: Redis, key_prefix: str) -> SourcePrices:
    """The test's series."""
    return SourcePrices(redis, Keys(key_prefix))


async def test_each_source_has_its_series(
    prices: SourcePrices, redis: Redis, key_prefix: str
) -> None:
    """Under a key and with labels that say whose price it is."""
    await prices.add("live", [KRAKEN, BITSTAMP])

    key = f"{{{key_prefix}}}:live:price:kraken"
    assert await redis.ts().get(key) == (int(NOW.timestamp() * 1_000), 60_000.0)
    info = await redis.ts().info(key)
    assert info["labels"] == {
        "feed": "live",
        "metric": "price",
        "source": "kraken",
        "unit": "usd-per-btc",
    }
    assert await prices.latest("live", ["kraken", "coinbase", "bitstamp"]) == [KRAKEN, BITSTAMP]


async def test_a_source_that_stands_still_is_not_written_again(
    prices: SourcePrices, redis: Redis
) -> None:
    """The same time again costs nothing."""
    await prices.add("live", [KRAKEN])
    count = CommandCount(redis)
    await count.begin()

    await prices.add("live", [KRAKEN])
    await prices.add("live", [])

    assert "ts.madd" not in await count.commands()


async def test_series_that_somebody_removed_are_made_anew(
    prices: SourcePrices, redis: Redis, key_prefix: str
) -> None:
    """An emptied Redis fills again."""
    await prices.add("live", [KRAKEN])
    await redis.delete(f"{{{key_prefix}}}:live:price:kraken")

    later = replace(KRAKEN, time=NOW + timedelta(seconds=30))
    await prices.add("live", [later])

    assert await prices.latest("live", ["kraken"]) == [later]

"""Many samples of one feed are stored, and no more is read for it than has to be."""

from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import HOUR_MILLISECONDS, to_milliseconds
from isbitcoinlit.models import Metric
from isbitcoinlit.series.bulk import GAP, LOOK, LOOKS, BulkStored, BulkWriter
from isbitcoinlit.series.keys import Keys
from tests.command_count import CommandCount
from tests.readings import NOON

pytestmark = pytest.mark.anyio

FEED = "given"
FIRST = to_milliseconds(NOON)

Make = Callable[[], BulkWriter]


@pytest.fixture
def make(redis: Redis, keys: Keys) -> Make:
    """Makes writers of a process that has just started, of which nobody hears."""

    async def ignore(_feed: str, _spans: object) -> None:
        pass

    return lambda: BulkWriter(redis, keys, FEED, tell=ignore)


async def store(writer: BulkWriter, times: list[int]) -> BulkStored:
    """Store a price at each of these times, as one batch."""
    async with writer.writing():
        await writer.add({Metric.PRICE: dict.fromkeys(times, 5.0)})
    return writer.stored


async def test_what_lies_between_is_not_read(redis: Redis, make: Make) -> None:
    """An old sample among new ones does not make Redis read all that is stored between them."""
    days = 30 * 24 * HOUR_MILLISECONDS
    stored = range(FIRST, FIRST + days, 60_000)
    await store(make(), list(stored))
    before = (await redis.info("stats"))["total_net_output_bytes"]

    done = await store(make(), [FIRST - 2 * GAP, stored[0], stored[20_000], stored[-1] + 1])

    assert (done.added, done.already_stored) == (2, 2)
    # The 43,200 samples are a megabyte.
    assert (await redis.info("stats"))["total_net_output_bytes"] - before < 50_000


async def test_a_dense_stretch_is_read_in_pieces(make: Make, count: CommandCount) -> None:
    """However many samples lie near each other, few of them are asked for at a time."""
    stored = range(FIRST, FIRST + 1_000 * (2 * LOOK + 100), 1_000)
    await store(make(), list(stored))
    await count.begin()

    done = await store(make(), [*stored[::100], stored[-1] - 1])

    assert (done.added, done.already_stored) == (1, len(stored) // 100)
    assert (await count.commands())["ts.range"] == 3


async def test_a_file_in_any_order_is_compared(make: Make) -> None:
    """Samples far apart, each asked for by itself, are told from those that are missing."""
    stored = [FIRST + i * 2 * GAP for i in range(5 * LOOKS)]
    await store(make(), stored)

    done = await store(make(), [*stored, *(time + GAP + 1 for time in stored[:-1])])

    assert (done.added, done.already_stored) == (len(stored) - 1, len(stored))

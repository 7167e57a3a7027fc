"""Windows of a summary, against what they should be by hand."""

from math import exp

import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.history.summary import SummaryReader
from isbitcoinlit.models import Reading
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.planner import BucketReader
from isbitcoinlit.series.samples import ReadingReader
from isbitcoinlit.series.store import SeriesStore
from tests.readings import NOON, reading

pytestmark = pytest.mark.anyio


def swinging(hours: int) -> list[Reading]:
    """A price that goes up and down by 1 % from hour to hour, read twice an hour."""
    return [
        reading(3_600 * (hour - hours) + late, 30_000 * exp(0.01 * (hour % 2)))
        for hour in range(hours)
        for late in (0, 3_570)
    ]


async def test_a_part_of_an_hour_is_no_hourly_return(redis: Redis, keys: Keys) -> None:
    """What the price did since the hour began does not make the hours look calmer."""
    store = SeriesStore(redis, keys)
    await store.add("given", swinging(24))
    summaries = SummaryReader(BucketReader(redis, keys), ReadingReader(redis, keys))
    now = to_milliseconds(NOON) + 60_000
    whole = (await summaries.read("given", now)).volatility["24h"]
    await store.add("given", [reading(0, 30_000 * exp(0.01))])
    begun = (await summaries.read("given", now)).volatility["24h"]

    assert whole is not None
    assert whole.returns == 23
    assert begun == whole

"""What a process remembers of the series, and what it asks when it cannot trust that."""

import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import HOUR_MILLISECONDS as HOUR
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.recent import RecentSamples, RecentSeries, hour_of
from tests.command_count import CommandCount


def test_what_was_stored_is_not_missing() -> None:
    """Of the samples sent only those that are not remembered are missing."""
    known = RecentSamples()
    known.add([1, 2, HOUR])

    assert known.missing({1: 0.1, 3: 0.3, HOUR: 0.4, HOUR + 1: 0.5}) == {3: 0.3, HOUR + 1: 0.5}


def test_hours_with_another_number_of_samples_are_doubtful() -> None:
    """Only an hour of which Redis has the remembered number of samples is trusted."""
    known = RecentSamples()
    known.add([1, 2, HOUR, 2 * HOUR])

    counts = {0: 2, HOUR: 2, 3 * HOUR: 1}

    assert known.doubtful(counts, range(0, 5 * HOUR, HOUR)) == [HOUR, 2 * HOUR, 3 * HOUR]


def test_learning_replaces_an_hour() -> None:
    """What Redis was seen to hold stands in place of what was remembered."""
    known = RecentSamples()
    known.add([1, 2, HOUR])

    known.learn([0], [2, 3])

    assert known.missing({1: 0.0, 2: 0.0, 3: 0.0, HOUR: 0.0}) == {1: 0.0}


def test_old_hours_are_forgotten() -> None:
    """Memory holds what the feed still sends, and no more."""
    known = RecentSamples()
    known.add([1, HOUR, 2 * HOUR])

    known.forget_before(HOUR)

    assert known.missing({1: 0.0, HOUR: 0.0, 2 * HOUR: 0.0}) == {1: 0.0}


@pytest.mark.parametrize(("timestamp", "hour"), [(0, 0), (HOUR - 1, 0), (HOUR, HOUR)])
def test_an_hour_begins_at_its_start(timestamp: int, hour: int) -> None:
    """Timestamps are cut to their full hour."""
    assert hour_of(timestamp) == hour


@pytest.mark.anyio
async def test_only_the_doubtful_hours_are_read(
    redis: Redis, keys: Keys, count: CommandCount
) -> None:
    """After somebody else wrote into one hour of a day, that hour is read and the rest is not."""
    series = RecentSeries(redis)
    key = keys.snapshot
    await redis.ts().create(key)
    day = {i * HOUR: 1.0 for i in range(24)}
    await redis.ts().madd([(key, at, value) for at, value in day.items()])
    assert await series.update({key: day})
    await redis.ts().add(key, 5 * HOUR + 1, 1)
    await count.begin()

    assert await series.update({key: day})

    assert await count.commands() == {"ts.range": 2}
    assert series[key].missing({5 * HOUR + 1: 1.0}) == {}
    assert not await series.update({key: day})


@pytest.mark.anyio
async def test_deleted_samples_are_missing_again(redis: Redis, keys: Keys) -> None:
    """Samples that somebody deleted are sent again."""
    series = RecentSeries(redis)
    key = keys.snapshot
    await redis.ts().create(key)
    await redis.ts().madd([(key, 1, 1), (key, 2, 1)])
    await series.update({key: {1: 1.0, 2: 1.0}})
    await redis.ts().delete(key, 1, 1)

    assert await series.update({key: {1: 1.0, 2: 1.0}})
    assert series[key].missing({1: 1.0, 2: 1.0}) == {1: 1.0}

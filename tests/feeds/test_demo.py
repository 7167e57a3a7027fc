"""The invented market."""

import statistics
from datetime import timedelta
from itertools import pairwise

import pytest

from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.feeds.demo import HISTORY, STEP, Demo, reading
from isbitcoinlit.models import Reading
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

YEAR = range(0, 365 * HISTORY, 101)
"""Indexes spread over a year, and over all hours of the day."""


def hourly(first: int, hours: int) -> tuple[list[float], list[float]]:
    """Average prices and sentiments of a number of hours, of every fifth reading."""
    rows = [
        [reading(index) for index in range(first + hour * 120, first + hour * 120 + 120, 5)]
        for hour in range(hours)
    ]
    return (
        [statistics.fmean(r.price or 0 for r in row) for row in rows],
        [statistics.fmean(r.sentiment or 0 for r in row) for row in rows],
    )


async def test_a_day_comes_at_once(clock: ManualClock) -> None:
    """The first pull gives 24 hours, a reading every 30 s, the last one not in the future."""
    clock.advance(12.3)

    pull = await Demo(clock).pull()

    times = [r.time for r in pull.readings]
    assert len(times) == pull.fetched == 2_880
    assert times[-1] == clock.now() - timedelta(seconds=12.3)
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(seconds=30)}


async def test_a_reading_comes_every_half_minute(clock: ManualClock) -> None:
    """Nothing new comes for 29 s, then one reading does, and the oldest goes."""
    feed = Demo(clock)
    first = await feed.pull()
    clock.advance(29)
    same = await feed.pull()
    clock.advance(1)
    later = await feed.pull()

    assert same == first
    assert later.readings[:-1] == first.readings[1:]
    assert later.readings[-1].time == clock.now()


@pytest.mark.parametrize("seconds", [30, 3_600, 86_400, 10 * 86_400, -3_600, -10 * 86_400])
async def test_the_same_time_has_the_same_reading(clock: ManualClock, seconds: float) -> None:
    """A feed that ran and one that starts give the same, also after a pause or a clock set back."""
    ran = Demo(clock)
    await ran.pull()
    clock.advance(seconds)

    assert await ran.pull() == await Demo(clock).pull()


def test_the_market_is_the_same_on_every_machine(clock: ManualClock) -> None:
    """A given time has a given reading, for ever."""
    index = to_milliseconds(clock.now()) // STEP

    assert reading(index) == Reading(clock.now(), price=82494.87, sentiment=0.085)


def test_the_numbers_are_plausible() -> None:
    """Over a year prices stay in 60,000 to 100,000 USD, and sentiments well within [-1, 1]."""
    readings = [reading(index) for index in YEAR]

    assert all(60_000 < (r.price or 0) < 100_000 for r in readings)
    assert all(-0.7 < (r.sentiment or 0) < 0.7 for r in readings)
    assert abs(statistics.fmean(r.sentiment or 0 for r in readings)) < 0.05


def test_the_market_moves_every_half_minute() -> None:
    """One reading is seldom the next one's equal, and never far from it."""
    moves = [abs((reading(i).price or 0) - (reading(i + 1).price or 0)) for i in YEAR]

    assert 1 < statistics.median(moves) < 100
    assert max(moves) < 400


def test_it_is_lit_now_and_then() -> None:
    """In each of some weeks it is lit for a fifth to three fifths of the hours."""
    for week in range(10):
        price, mood = hourly(week * 7 * HISTORY, 7 * 24)
        lit = [price[h] > price[h - 2] and mood[h] > mood[h - 2] for h in range(2, len(price))]
        assert 0.2 < statistics.fmean(lit) < 0.6


def test_the_mood_leads_the_price() -> None:
    """The sentiment goes with the price of an hour later more than with that of its own hour."""
    price, mood = hourly(0, 60 * 24)

    ahead = statistics.correlation(mood[:-1], price[1:])
    assert ahead > statistics.correlation(mood, price)
    assert ahead > statistics.correlation(mood[:-2], price[2:])

"""Answers are kept, shared, and forgotten when a reading touches them."""

import asyncio

import pytest
from redis.asyncio import Redis

from isbitcoinlit.history.cache import MOST, MOST_CHARACTERS, AnswerCache, AnswerName
from isbitcoinlit.models import Span
from isbitcoinlit.series.keys import Keys
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


def named(begin: int = 0, end: int = 10, feed: str = "given", kind: str = "series") -> AnswerName:
    """The name of an answer."""
    return AnswerName(kind, feed, Span(begin, end), "1h:with:colons")


class Computation:
    """Computes an answer when it is told to."""

    def __init__(self, answer: str = "computed") -> None:
        self.answer = answer
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> str:
        """Wait for permission, and answer."""
        self.begun += 1
        await self.may_end.wait()
        return self.answer


async def test_get_set_delete(cache: AnswerCache) -> None:
    """An answer is there from its setting to its deletion."""
    assert await cache.get(named()) is None
    await cache.set(named(), "answer", 60)
    assert await cache.get(named()) == "answer"
    await cache.delete(named())
    assert await cache.get(named()) is None


async def test_an_answer_expires(cache: AnswerCache, redis: Redis, keys: Keys) -> None:
    """Redis itself drops it after its time."""
    await cache.set(named(), "answer", 60)

    assert 59_000 < await redis.pttl(keys.cache(str(named()))) <= 60_000


async def test_names_are_read_as_written() -> None:
    """A name says the same after it was a text."""
    assert AnswerName.read(str(named(5, 9))) == named(5, 9)


async def test_computed_once_in_two_processes(redis: Redis, keys: Keys, clock: ManualClock) -> None:
    """Whoever waits, here or in another process, gets the one answer that was computed."""
    here, there = AnswerCache(redis, keys, clock), AnswerCache(redis, keys, clock)
    compute = Computation()
    waiting = [
        asyncio.create_task(cache.remember(named(), 60, compute))
        for cache in (here, there)
        for _ in range(20)
    ]
    async with asyncio.timeout(10):
        while not compute.begun:
            await asyncio.sleep(0.01)
        compute.may_end.set()
        answers = await asyncio.gather(*waiting)

    assert answers == ["computed"] * 40
    assert compute.begun == 1


async def test_a_quick_computation_is_not_done_again(
    redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """Who looked before the answer was there, and got the lock after, takes what is there now."""
    processes = [AnswerCache(redis, keys, clock) for _ in range(8)]
    for round_number in range(50):
        compute = Computation()
        compute.may_end.set()
        name = named(round_number, round_number + 1)
        async with asyncio.timeout(10):
            await asyncio.gather(*(process.remember(name, 60, compute) for process in processes))

        assert compute.begun == 1


async def test_whoever_goes_away_stops_nobody(cache: AnswerCache) -> None:
    """A client that gives up does not take the answer from those who wait with it."""
    compute = Computation()
    first = asyncio.create_task(cache.remember(named(), 60, compute))
    second = asyncio.create_task(cache.remember(named(), 60, compute))
    async with asyncio.timeout(10):
        while not compute.begun:
            await asyncio.sleep(0.01)
        first.cancel()
        compute.may_end.set()

        assert await second == "computed"


async def test_a_failure_is_everybodys_and_not_kept(cache: AnswerCache) -> None:
    """Whoever waits hears of it, and the next one tries again."""

    async def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await cache.remember(named(), 60, fail)
    compute = Computation()
    compute.may_end.set()

    assert await cache.remember(named(), 60, compute) == "computed"


async def computed(text: str) -> str:
    """An answer that takes no time."""
    return text


async def test_nobody_joins_what_was_begun_before(cache: AnswerCache) -> None:
    """Whoever asks after a reading was stored does not get an answer that was begun before."""
    compute = Computation("before")
    first = asyncio.create_task(cache.remember(named(), 60, compute))
    async with asyncio.timeout(10):
        while not compute.begun:
            await asyncio.sleep(0.01)
        await cache.forget_touched("given", [Span(3, 4)])
        second = asyncio.create_task(cache.remember(named(), 60, lambda: computed("after")))
        await asyncio.sleep(0)
        compute.may_end.set()

        assert await first == "before"
        assert await second == "after"


async def test_forget_by_prefix(cache: AnswerCache) -> None:
    """Only names that begin so are forgotten."""
    series, candles = named(), named(kind="candles")
    await cache.set(series, "s", 60)
    await cache.set(candles, "c", 60)

    await cache.forget("series:")

    assert (await cache.get(series), await cache.get(candles)) == (None, "c")


@pytest.mark.parametrize(
    ("begin", "end", "kept"),
    [(10, 20, True), (9, 10, False), (0, 1, False), (5, 6, False), (-5, 0, True), (-5, 50, False)],
)
async def test_forget_what_is_touched(
    cache: AnswerCache, begin: int, end: int, *, kept: bool
) -> None:
    """An answer about `[0, 10)` is forgotten by readings in it, and by no others."""
    await cache.set(named(), "answer", 60)
    await cache.set(named(feed="other"), "other", 60)

    await cache.forget_touched("given", [Span(begin, end)])

    assert (await cache.get(named()) == "answer") is kept
    assert await cache.get(named(feed="other")) == "other"


async def test_what_lies_between_readings_is_kept(cache: AnswerCache) -> None:
    """Readings before and after an answer, stored together, do not touch it."""
    await cache.set(named(10, 20), "answer", 60)
    await cache.set(named(4, 6), "touched", 60)

    await cache.forget_touched("given", [Span(5, 6), Span(9, 10), Span(20, 21)])

    assert await cache.get(named(10, 20)) == "answer"
    assert await cache.get(named(4, 6)) is None


async def test_an_answer_from_before_is_not_kept(cache: AnswerCache) -> None:
    """What was being computed when a reading came is given, but not kept."""
    compute = Computation("of before")
    waiting = asyncio.create_task(cache.remember(named(), 60, compute))
    async with asyncio.timeout(10):
        while not compute.begun:
            await asyncio.sleep(0.01)
        await cache.forget_touched("given", [Span(3, 4)])
        compute.may_end.set()

        assert await waiting == "of before"
    assert await cache.get(named()) is None


async def test_the_cache_is_bounded(
    cache: AnswerCache, redis: Redis, keys: Keys, clock: ManualClock
) -> None:
    """What was put in first makes room, and what is too long is not kept at all."""
    for number in range(MOST + 5):
        clock.advance(0.001)
        await cache.set(named(end=number + 1), "answer", 600 - number)
    await cache.set(named(end=9_999), "x" * (MOST_CHARACTERS + 1), 999)

    assert await redis.zcard(keys.cache_names) == MOST
    assert await cache.get(named(end=5)) is None
    assert await cache.get(named(end=6)) == "answer"
    assert await cache.get(named(end=9_999)) is None


async def test_a_closed_cache_leaves_nothing_behind(cache: AnswerCache) -> None:
    """What is being computed is given up, and whoever waits for it is told so."""
    compute = Computation()
    waiting = asyncio.create_task(cache.remember(named(), 60, compute))
    async with asyncio.timeout(10):
        while not compute.begun:
            await asyncio.sleep(0.01)
        await cache.aclose()
        await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert await cache.get(named()) is None

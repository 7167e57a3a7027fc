"""The sliding window of one process."""

import pytest

from isbitcoinlit.limits.window import GroupLimiter
from isbitcoinlit.rate import Rate
from tests.manual_clock import ManualClock


@pytest.fixture
def limiter(clock: ManualClock) -> GroupLimiter:
    """Ten requests a minute, at the beginning of a minute."""
    return GroupLimiter(Rate(10, 60), clock)


def take(limiter: GroupLimiter, clock: ManualClock, times: int, client: str = "a") -> list[int]:
    """Ask so many times at once; return what remained after each."""
    return [limiter.take(client, clock.monotonic())[0] for _ in range(times)]


def test_the_budget_is_the_limit(limiter: GroupLimiter, clock: ManualClock) -> None:
    """Ten requests are allowed, the eleventh is not."""
    assert take(limiter, clock, 11) == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1]


def test_clients_do_not_share(limiter: GroupLimiter, clock: ManualClock) -> None:
    """What one client has used up another one has still."""
    take(limiter, clock, 10, "a")
    assert take(limiter, clock, 1, "b") == [9]


def test_the_window_slides(limiter: GroupLimiter, clock: ManualClock) -> None:
    """Half a window later, half of the last window's requests still count."""
    take(limiter, clock, 10)
    clock.advance(90)
    assert take(limiter, clock, 6) == [4, 3, 2, 1, 0, -1]


def test_no_burst_at_the_edge(limiter: GroupLimiter, clock: ManualClock) -> None:
    """A budget used up just before a window's end is not there again just after it."""
    clock.advance(59)
    take(limiter, clock, 10)
    clock.advance(2)
    assert take(limiter, clock, 1) == [-1]


def test_an_old_window_is_forgotten(limiter: GroupLimiter, clock: ManualClock) -> None:
    """Two windows later nothing counts any more."""
    take(limiter, clock, 10)
    clock.advance(120)
    assert take(limiter, clock, 1) == [9]


def test_refusals_cost_nothing(limiter: GroupLimiter, clock: ManualClock) -> None:
    """A client that keeps asking while refused does not wait longer for it."""
    take(limiter, clock, 200)
    clock.advance(90)
    assert take(limiter, clock, 1) == [4]


@pytest.mark.parametrize(("used_at", "asked_at"), [(0, 0), (0, 30), (59, 59.5), (30, 70), (59, 61)])
def test_the_wait_is_the_true_one(
    limiter: GroupLimiter, clock: ManualClock, used_at: float, asked_at: float
) -> None:
    """After the seconds told there is room, and more than a second earlier there is not."""
    clock.advance(used_at)
    take(limiter, clock, 10)
    clock.advance(asked_at - used_at)
    while take(limiter, clock, 1) != [-1]:
        pass
    now = clock.monotonic()
    wait = limiter.wait(limiter.take("a", now)[1], now)
    clock.advance(max(0, wait - 1.01))
    assert wait <= 2 or take(limiter, clock, 1) == [-1]
    clock.advance(min(wait, 1.01))
    assert take(limiter, clock, 1) != [-1]


def test_memory_is_bounded(clock: ManualClock) -> None:
    """However many clients come, only so many are remembered."""
    limiter = GroupLimiter(Rate(1, 60), clock, clients=100)
    for number in range(1_000):
        limiter.take(str(number), clock.monotonic())
    assert len(limiter) == 100


def test_the_idle_are_forgotten(limiter: GroupLimiter, clock: ManualClock) -> None:
    """A client that has not asked for two windows is let go, one that has is not."""
    take(limiter, clock, 1, "idle")
    clock.advance(100)
    take(limiter, clock, 1, "busy")
    clock.advance(30)
    limiter.forget_idle()
    assert len(limiter) == 1
    assert take(limiter, clock, 1, "busy") == [8]

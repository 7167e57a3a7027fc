"""The feed `demo`: an invented market, the same for everybody at every moment."""

from collections import deque
from functools import lru_cache

from isbitcoinlit.clock import Clock, from_milliseconds, to_milliseconds
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.models import Reading

STEP = 30_000
"""Milliseconds between two readings, which lie on the multiples of it since the epoch."""
HISTORY = 2_880
"""How many readings a pull gives: 24 hours."""
LEAD = 120
"""Steps by which the sentiment is ahead of the price: one hour."""

_BASE = 80_000.0
"""USD per BTC around which the price moves."""
_SWINGS = ((1_680, 0.025), (600, 0.012), (160, 0.005))
"""Steps from one turn of the price to the next, and how far it goes as a share of the base.

These three, of 14 hours, 5 hours and 80 minutes, are what the sentiment sees coming.
"""
_PRICE = ((28_800, 0.08), (7_200, 0.04), *_SWINGS, (30, 0.0015), (4, 0.0005))
"""With ten days, two and a half days, 15 minutes and 2 minutes: 16 % up or down at the most."""
_MOOD = tuple((steps, share * 12) for steps, share in _SWINGS)
_WHIM = ((89, 0.06), (3, 0.03))
"""The sentiment's own noise; with `_MOOD` it stays within 0.6 of 0."""

_SEED = 0x1B17C014
_64_BITS = (1 << 64) - 1


class Demo:
    """A synthetic market without memory: each reading is a function of its time alone.

    So two processes, and the same one after a restart, give the same reading for the same time.
    """

    name = "demo"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest = 0
        self._window: deque[Reading] = deque(maxlen=HISTORY)

    async def pull(self) -> Pull:
        """The last 24 hours, one reading every 30 s."""
        newest = to_milliseconds(self._clock.now()) // STEP
        if newest < self._newest:
            # The clock went back, and what it had passed is the future again.
            self._newest = 0
        first = max(self._newest, newest - HISTORY) + 1
        self._window.extend(reading(index) for index in range(first, newest + 1))
        self._newest = newest
        return Pull(readings=tuple(self._window), fetched=len(self._window))

    async def aclose(self) -> None:
        """Nothing to give back."""


def reading(index: int) -> Reading:
    """The reading at a multiple of the step since the epoch."""
    price = _BASE * (1 + _noise(_PRICE, index))
    mood = _noise(_MOOD, index + LEAD) + _noise(_WHIM, index)
    return Reading(from_milliseconds(index * STEP), round(price, 2), round(mood, 3))


def _noise(octaves: tuple[tuple[int, float], ...], index: int) -> float:
    """Smooth curves through seeded random points, added up: it wanders, and never far."""
    total = 0.0
    for steps, share in octaves:
        # A phase of its own for each, lest all curves turn at the same moments.
        number, rest = divmod(index + steps * steps // 7, steps)
        part = rest / steps
        here, there = _point(steps, number), _point(steps, number + 1)
        total += share * (here + (there - here) * part * part * (3 - 2 * part))
    return total


@lru_cache(maxsize=4_096)
def _point(steps: int, number: int) -> float:
    """A random number in [-1, 1], always the same for the same place (splitmix64)."""
    bits = (_SEED + steps * 0xD1342543DE82EF95 + number * 0x9E3779B97F4A7C15) & _64_BITS
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _64_BITS
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _64_BITS
    return (bits ^ bits >> 31) / (1 << 63) - 1

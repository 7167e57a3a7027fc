"""Markets and moods that are made up, so that what is found in them is known."""

import random
from collections.abc import Mapping
from math import exp


def wandering(rng: random.Random, count: int, memory: float) -> dict[int, float]:
    """A first-order autoregressive series: each value is so much of the one before, and noise."""
    value, values = 0.0, {}
    for at in range(-50, count):
        value = memory * value + rng.gauss(0, 1)
        if at >= 0:
            values[at] = value
    return values


def prices_of(returns: Mapping[int, float]) -> dict[int, float]:
    """The prices with these returns, in percent, one bucket before them included."""
    level, prices = 0.0, {min(returns) - 1: 30_000.0}
    for at, value in sorted(returns.items()):
        level += value / 100
        prices[at] = 30_000 * exp(level)
    return prices


def led(rng: random.Random, moods: Mapping[int, float], lag: int) -> dict[int, float]:
    """Returns of which half is what the mood was so many buckets before."""
    return {at: 0.5 * moods.get(at - lag, 0.0) + rng.gauss(0, 1) for at in moods}

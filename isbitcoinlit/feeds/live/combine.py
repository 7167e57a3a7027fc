"""One price from several; pure."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from isbitcoinlit.models import SourcePrice

OLDEST = timedelta(seconds=120)
"""An older price does not count."""
AHEAD = timedelta(seconds=60)
"""How far in the future a price may lie, since clocks differ."""
AGREEMENT = 0.01
"""Two prices agree when they differ by at most this share of the lower one."""
LEAP = 0.05
"""How far, as a share, a price that nobody confirms may lie from the last one accepted."""
MEMORY = timedelta(minutes=10)
"""An accepted price that is older says nothing about what is possible now."""

_MANY = 3


@dataclass(frozen=True, slots=True)
class Accepted:
    """A price that was believed."""

    time: datetime
    price: float


@dataclass(frozen=True, slots=True)
class Combined:
    """What came of the prices of all sources."""

    accepted: Accepted | None
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Prices that were not believed, by reason."""


def combine(prices: Sequence[SourcePrice], last: Accepted | None, now: datetime) -> Combined:
    """The median of three or more; of two that agree the mean; else what the last price supports.

    Two that disagree, with no price accepted before, are nothing: either may be the wrong one.
    """
    rejected: Counter[str] = Counter()
    good = [price for price in prices if _in_time(price, now, rejected)]
    value = _choose([price.price for price in good], last, now)
    if value is None:
        if good:
            rejected["price-not-confirmed"] += len(good)
        return Combined(None, dict(rejected))
    newest = max(price.time for price in good)
    return Combined(Accepted(min(newest, now), value), dict(rejected))


def _in_time(price: SourcePrice, now: datetime, rejected: Counter[str]) -> bool:
    if now - price.time > OLDEST:
        rejected["price-too-old"] += 1
        return False
    if price.time - now > AHEAD:
        rejected["price-in-future"] += 1
        return False
    return True


def _choose(values: list[float], last: Accepted | None, now: datetime) -> float | None:
    match values:
        case []:
            return None
        case [value]:
            known = last is not None and now - last.time <= MEMORY
            return None if known and last and _apart(value, last.price) > LEAP else value
        case [one, other]:
            if _apart(one, other) <= AGREEMENT:
                return (one + other) / 2
            return min(values, key=lambda value: abs(value - last.price)) if last else None
        case _:
            return statistics.median(values)


def _apart(one: float, other: float) -> float:
    """The difference as a share of the lower one."""
    return abs(one - other) / min(one, other)

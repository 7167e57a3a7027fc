"""Whether sentiment and price returns go together, and which of them comes first.

A pair at lag k is the sentiment of one bucket and the return of the bucket k later: at a positive
lag sentiment leads, at a negative one the price does. Pairs are made by time, so that a gap makes
fewer of them and never wrong ones. Plain Python, no requests, no clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import fsum, log, sqrt

from isbitcoinlit.history.significance import (
    Values,
    effective_pairs,
    holm,
    p_value,
    shared_memory,
)

FEWEST_PAIRS = 30
"""Pairs without which nothing is said about a lag."""
LEVEL_OF_SIGNIFICANCE = 0.05
_ALMOST_CONSTANT = 1e-12
"""A spread this small beside the values themselves is rounding."""


class Measure(StrEnum):
    """What of sentiment is compared with returns."""

    LEVEL = "level"
    CHANGE = "change"


class Coefficient(StrEnum):
    """How it is compared."""

    PEARSON = "pearson"
    SPEARMAN = "spearman"


@dataclass(frozen=True, slots=True)
class Finding:
    """How sentiment and returns went together at one lag."""

    measure: Measure
    kind: Coefficient
    lag: int
    """In buckets; positive where sentiment comes first."""
    pairs: int
    coefficient: float | None = None
    """In [-1, 1]; None with too few pairs, or where one of the two is constant."""
    effective: float | None = None
    """How many independent pairs these are worth."""
    p: float | None = None
    """Corrected for autocorrelation."""
    p_corrected: float | None = None
    """Corrected for the number of findings, too."""

    @property
    def significant(self) -> bool:
        """Whether chance alone gives as much less than once in twenty such answers."""
        return self.p_corrected is not None and self.p_corrected < LEVEL_OF_SIGNIFICANCE


def correlate(prices: Values, sentiment: Values, most: int) -> list[Finding]:
    """Return what is found at each lag from `-most` to `most`, measure by measure."""
    returns = logarithmic_returns(prices)
    series = {Measure.LEVEL: sentiment, Measure.CHANGE: changes(sentiment)}
    found = [
        finding
        for measure, moods in series.items()
        for kind in Coefficient
        for finding in _lags(measure, kind, moods, returns, most)
    ]
    corrected = holm([finding.p for finding in found])
    return [replace(f, p_corrected=p) for f, p in zip(found, corrected, strict=True)]


def best(found: Sequence[Finding]) -> Finding | None:
    """Return the finding that chance explains least, if anything was found."""
    told = [f for f in found if f.coefficient is not None and f.p is not None]
    return min(told, key=lambda f: (f.p, -abs(f.coefficient or 0.0), abs(f.lag)), default=None)


def logarithmic_returns(prices: Values) -> dict[int, float]:
    """Return log(price / price one bucket before), where there are both."""
    return {
        at: log(price / prices[at - 1])
        for at, price in prices.items()
        if price > 0 and prices.get(at - 1, 0.0) > 0
    }


def changes(values: Values) -> dict[int, float]:
    """Return the differences between neighbours, where there are both."""
    return {at: value - values[at - 1] for at, value in values.items() if at - 1 in values}


def pairs_at(moods: Values, returns: Values, lag: int) -> tuple[list[float], list[float]]:
    """Return sentiment and the returns `lag` buckets later, where there are both."""
    times = [at for at in moods if at + lag in returns]
    return [moods[at] for at in times], [returns[at + lag] for at in times]


def pearson(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Return the product-moment correlation; None if either does not vary."""
    if not x:
        return None
    dx, dy = _deviations(x), _deviations(y)
    if dx is None or dy is None:
        return None
    product = fsum(a * b for a, b in zip(dx, dy, strict=True))
    spread = sqrt(fsum(a * a for a in dx)) * sqrt(fsum(b * b for b in dy))
    return max(-1.0, min(1.0, product / spread))


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Return the correlation of ranks; equal values share the mean of their ranks."""
    return pearson(ranks(x), ranks(y))


def ranks(values: Sequence[float]) -> list[float]:
    """Return the place of each value in their order, from 1; equals share the mean place."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    begin = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or values[order[end]] != values[order[begin]]:
            for place in order[begin:end]:
                found[place] = (begin + 1 + end) / 2
            begin = end
    return found


_COEFFICIENTS = {Coefficient.PEARSON: pearson, Coefficient.SPEARMAN: spearman}


def _lags(
    measure: Measure, kind: Coefficient, moods: Values, returns: Values, most: int
) -> Iterator[Finding]:
    x, y = (_ranked(moods), _ranked(returns)) if kind is Coefficient.SPEARMAN else (moods, returns)
    memory = shared_memory(x, y)
    for lag in range(-most, most + 1):
        left, right = pairs_at(moods, returns, lag)
        finding = Finding(measure, kind, lag, len(left))
        found = _COEFFICIENTS[kind](left, right) if len(left) >= FEWEST_PAIRS else None
        if found is None:
            yield finding
            continue
        worth = effective_pairs(memory, len(left))
        yield replace(finding, coefficient=found, effective=worth, p=p_value(found, worth))


def _ranked(values: Values) -> dict[int, float]:
    return dict(zip(values, ranks(list(values.values())), strict=True))


def _deviations(values: Sequence[float]) -> list[float] | None:
    """Return the distances from the mean, or None if they are nothing but rounding."""
    mean = fsum(values) / len(values)
    found = [value - mean for value in values]
    largest = max(map(abs, found))
    return found if largest > _ALMOST_CONSTANT * max(map(abs, values)) else None


def by_lag(found: Sequence[Finding]) -> Mapping[int, list[Finding]]:
    """Return the findings of each lag, in order of lags."""
    lags: dict[int, list[Finding]] = {}
    for finding in sorted(found, key=lambda f: f.lag):
        lags.setdefault(finding.lag, []).append(finding)
    return lags

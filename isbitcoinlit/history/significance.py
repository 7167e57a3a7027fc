"""How surprising a correlation is, where neighbours resemble each other and many lags are tried.

Plain Python; the tests compare it with SciPy.
"""

from collections.abc import Mapping, Sequence
from math import exp, lgamma, log, log1p

FEWEST_INDEPENDENT = 4.0
"""Effective pairs without which no p-value is told."""
_MOST_ACF_LAGS = 50
_SHARE_OF_ACF_LAGS = 5
"""Of n pairs, the first n / 5 autocorrelations are counted (Pyper and Peterman, 1998)."""
_STEPS = 300
_PRECISION = 1e-15
_TINY = 1e-300

Values = Mapping[int, float]
"""A series with gaps: values by the number of their bucket."""


def shared_memory(x: Values, y: Values) -> list[float]:
    """Return the products of the autocorrelations of two series, from lag 1 on."""
    most = min(_MOST_ACF_LAGS, min(len(x), len(y)) // _SHARE_OF_ACF_LAGS)
    return [autocorrelation(x, lag) * autocorrelation(y, lag) for lag in range(1, most + 1)]


def effective_pairs(memory: Sequence[float], pairs: int) -> float:
    """Return how many independent pairs say as much as `pairs` pairs of two such series.

    n / (1 + 2 sum (1 - j/n) r_x(j) r_y(j)), with the series' own autocorrelations r at lag j
    (Bartlett, 1946; Bretherton et al., Journal of Climate 12, 1999, equation 31), but never more
    than there are.
    """
    inflation = 1 + 2 * sum(
        (1 - lag / pairs) * product
        for lag, product in enumerate(memory[: pairs // _SHARE_OF_ACF_LAGS], start=1)
    )
    return pairs / max(1.0, inflation)


def autocorrelation(values: Values, lag: int) -> float:
    """Return how much a series resembles itself so many buckets later; 0 for a constant."""
    mean = sum(values.values()) / len(values)
    spread = sum((value - mean) ** 2 for value in values.values()) / len(values)
    products = [
        (value - mean) * (values[at + lag] - mean)
        for at, value in values.items()
        if at + lag in values
    ]
    if not products or spread <= 0:
        return 0.0
    return max(-1.0, min(1.0, sum(products) / len(products) / spread))


def p_value(coefficient: float, pairs: float) -> float | None:
    """Return how often chance alone gives a coefficient that far from 0, either way.

    Student's t with `pairs - 2` degrees of freedom, written as the incomplete beta function; None
    with too few pairs.
    """
    if pairs < FEWEST_INDEPENDENT:
        return None
    return incomplete_beta((pairs - 2) / 2, 0.5, max(0.0, 1 - coefficient * coefficient))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Correct p-values for their number (Holm, 1979); those that are None do not count."""
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    least = 0.0
    for rank, (value, place) in enumerate(known):
        least = max(least, min(1.0, value * (len(known) - rank)))
        corrected[place] = least
    return corrected


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function of x in [0, 1].

    By its continued fraction (DLMF 8.17.22), which converges fast on the side that is taken.
    """
    if x <= 0 or x >= 1:
        return min(1.0, max(0.0, x))
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    return exp(front) / a * _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction from its front (Lentz's method)."""
    c, d = 1.0, 1 / _away_from_0(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_0(1 + term * d)
            c = _away_from_0(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def _away_from_0(value: float) -> float:
    return value if abs(value) > _TINY else _TINY

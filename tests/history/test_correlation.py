"""Correlation by lag, against SciPy and against markets of which everything is known."""

import random
from math import log

import pytest
from scipy import stats

from isbitcoinlit.history.correlation import (
    Coefficient,
    Finding,
    Measure,
    best,
    correlate,
    logarithmic_returns,
    pairs_at,
    pearson,
    spearman,
)
from tests.history.markets import led, prices_of, wandering

WEEK = 168


def at_lag(found: list[Finding], lag: int, measure: Measure, kind: Coefficient) -> Finding:
    """What was found at a lag."""
    return next(f for f in found if (f.lag, f.measure, f.kind) == (lag, measure, kind))


@pytest.mark.parametrize("seed", range(5))
def test_coefficients_are_scipys(seed: int) -> None:
    """Pearson and Spearman agree with SciPy, ties included."""
    rng = random.Random(seed)
    x = [round(rng.gauss(0, 1), 1) for _ in range(200)]
    y = [round(0.3 * value + rng.gauss(0, 1), 1) for value in x]

    assert pearson(x, y) == pytest.approx(float(stats.pearsonr(x, y).statistic))
    assert spearman(x, y) == pytest.approx(float(stats.spearmanr(x, y).statistic))


@pytest.mark.parametrize("lag", [3, 0, -5])
@pytest.mark.parametrize("kind", list(Coefficient))
def test_a_known_lag_is_found(lag: int, kind: Coefficient) -> None:
    """If sentiment leads returns by 3 hours, the best lag is 3; if it follows by 5, it is -5."""
    rng = random.Random(11)
    moods = wandering(rng, WEEK, 0.6)
    found = correlate(prices_of(led(rng, moods, lag)), moods, 24)

    winner = best([f for f in found if f.kind is kind and f.measure is Measure.LEVEL])

    assert winner
    assert (winner.lag, winner.significant) == (lag, True)
    assert (winner.coefficient or 0) > 0


def test_an_opposite_mood_has_a_negative_coefficient() -> None:
    """A sentiment that falls before the price rises is found with a minus sign."""
    rng = random.Random(3)
    moods = wandering(rng, WEEK, 0.3)
    against = {at: -value for at, value in led(rng, moods, 3).items()}

    winner = best(correlate(prices_of(against), moods, 24))

    assert winner
    assert winner.lag == 3
    assert (winner.coefficient or 0) < 0


def test_memory_alone_is_seldom_significant() -> None:
    """Of 100 weeks of independent series with memory 0.9, at most 5 have anything significant."""
    claims = 0
    for seed in range(100):
        rng = random.Random(seed)
        moods, returns = wandering(rng, WEEK, 0.9), wandering(rng, WEEK, 0.9)
        claims += any(f.significant for f in correlate(prices_of(returns), moods, 6))

    assert claims <= 5


def test_gaps_never_mispair() -> None:
    """Each lag is SciPy's coefficient over just the pairs whose two buckets exist."""
    rng = random.Random(5)
    moods = {at: v for at, v in wandering(rng, 300, 0.5).items() if rng.random() < 0.8}
    prices = {
        at: v
        for at, v in prices_of(wandering(rng, 300, 0.0)).items()
        if rng.random() < 0.9 and not 100 <= at < 130
    }
    found = correlate(prices, moods, 4)

    for lag in range(-4, 5):
        pairs = [
            (mood, log(prices[at + lag] / prices[at + lag - 1]))
            for at, mood in moods.items()
            if at + lag in prices and at + lag - 1 in prices
        ]
        finding = at_lag(found, lag, Measure.LEVEL, Coefficient.PEARSON)
        assert finding.pairs == len(pairs)
        expected = stats.pearsonr(*zip(*pairs, strict=True)).statistic
        assert finding.coefficient == pytest.approx(float(expected))


def test_the_change_needs_two_neighbours() -> None:
    """The change of sentiment is that to the bucket before, and absent after a gap."""
    moods = {at: float(at * at) for at in range(60) if at != 30}
    found = correlate(prices_of(dict.fromkeys(range(60), 1.0) | {7: 2.0}), moods, 0)

    assert at_lag(found, 0, Measure.LEVEL, Coefficient.PEARSON).pairs == 59
    assert at_lag(found, 0, Measure.CHANGE, Coefficient.PEARSON).pairs == 57


def test_constant_series_have_no_correlation() -> None:
    """Where mood or price never varies there is no coefficient, no p-value, and no best lag."""
    constant, varied = dict.fromkeys(range(100), 0.1), wandering(random.Random(1), 100, 0.5)
    flat, market = dict.fromkeys(range(100), 30_000.0), prices_of(varied)
    for prices, moods in ((market, constant), (flat, varied), (flat, constant)):
        found = correlate(prices, moods, 3)

        assert {(f.coefficient, f.p, f.p_corrected) for f in found} == {(None, None, None)}
        assert best(found) is None


def test_few_pairs_say_nothing() -> None:
    """A lag with fewer than 30 pairs has its number of pairs, and no coefficient."""
    moods = wandering(random.Random(2), 32, 0.0)
    found = correlate(prices_of(wandering(random.Random(3), 32, 0.0)), moods, 4)

    told = {f.lag for f in found if f.coefficient is not None and f.measure is Measure.LEVEL}
    assert told == {-2, -1, 0, 1, 2}


def test_returns_are_of_neighbours() -> None:
    """A return is the logarithm of a price over the one before, and there is none over a gap."""
    found = logarithmic_returns({1: 100.0, 2: 110.0, 4: 120.0})

    assert found == {2: pytest.approx(log(1.1))}
    assert pairs_at({0: 0.5, 2: 0.7}, found, 2) == ([0.5], [found[2]])

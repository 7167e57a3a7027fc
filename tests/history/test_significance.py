"""Significance in plain Python, against SciPy."""

import random

import pytest
from scipy import special, stats

from isbitcoinlit.history.significance import (
    autocorrelation,
    effective_pairs,
    holm,
    incomplete_beta,
    p_value,
    shared_memory,
)
from tests.history.markets import wandering


@pytest.mark.parametrize("a", [0.5, 1.0, 7.5, 83.0, 2_499.0])
@pytest.mark.parametrize("b", [0.5, 1.0, 3.0, 40.0])
@pytest.mark.parametrize("x", [0.0, 1e-9, 0.01, 0.3, 0.5, 0.9, 0.999, 1.0])
def test_the_incomplete_beta_function_is_scipys(a: float, b: float, x: float) -> None:
    """The function agrees with SciPy's to 1e-9, whichever side of it is computed."""
    assert incomplete_beta(a, b, x) == pytest.approx(
        float(special.betainc(a, b, x)), rel=1e-9, abs=1e-300
    )


@pytest.mark.parametrize("count", [5, 30, 168, 2_000])
def test_p_values_are_scipys(count: int) -> None:
    """Where all pairs are independent the p-value is that of `scipy.stats.pearsonr`."""
    rng = random.Random(count)
    x = [rng.gauss(0, 1) for _ in range(count)]
    y = [0.2 * value + rng.gauss(0, 1) for value in x]
    expected = stats.pearsonr(x, y)

    assert p_value(float(expected.statistic), count) == pytest.approx(float(expected.pvalue))


def test_certainty_and_ignorance_have_p_values_too() -> None:
    """A coefficient of 1 is no accident, one of 0 says nothing, and with few pairs nothing is told.

    None of them is a division by zero.
    """
    assert (p_value(1.0, 30), p_value(-1.0, 30), p_value(0.0, 30)) == (0.0, 0.0, 1.0)
    assert p_value(0.9, 3.9) is None


def test_holm_is_holm() -> None:
    """Sorted p-values are multiplied by what is left, never fall, and stay below 1."""
    assert holm([0.01, None, 0.04, 0.03, 0.6]) == pytest.approx([0.04, None, 0.09, 0.09, 0.6])


def test_a_series_with_memory_is_worth_fewer_pairs() -> None:
    """Two series with memory 0.9 are worth about (1 - 0.81) / (1 + 0.81) of their pairs."""
    rng = random.Random(7)
    x, y = wandering(rng, 20_000, 0.9), wandering(rng, 20_000, 0.9)

    found = effective_pairs(shared_memory(x, y), 20_000) / 20_000

    assert found == pytest.approx(0.19 / 1.81, rel=0.15)


def test_independent_pairs_are_worth_what_they_are() -> None:
    """Without memory a pair counts as one, and never as more than one."""
    rng = random.Random(7)
    x, y = wandering(rng, 5_000, 0.0), wandering(rng, 5_000, -0.9)

    assert 4_500 < effective_pairs(shared_memory(x, y), 5_000) <= 5_000


def test_autocorrelation_skips_gaps() -> None:
    """Neighbours are those one bucket apart, not those next to each other in a list."""
    alternating = {at: (-1.0) ** at for at in range(100) if at % 10}

    assert autocorrelation(alternating, 1) == pytest.approx(-1, abs=0.05)
    assert autocorrelation(dict.fromkeys(range(9), 3.0), 1) == 0.0

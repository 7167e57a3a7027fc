"""How often the scorer is right, on headlines written for this project.

The word list was made by looking at `headlines.tsv` only; `headlines_held_out.tsv` was written
before it, and never looked at for it.
"""

from pathlib import Path

import pytest

from isbitcoinlit.feeds.live.scorer import MarketScorer, Scorer, StockVader

DATA = Path(__file__).parents[2] / "data"
DEAD_BAND = 0.05
"""Scores nearer to 0 are neutral; the number that VADER's authors give."""


def accuracy(scorer: Scorer, name: str) -> float:
    """The share of a file's headlines whose label the score's sign gives."""
    lines = (DATA / name).read_text("utf-8").splitlines()
    pairs = [line.split("\t") for line in lines]
    return sum(_label(scorer.score(title)) == label for label, title in pairs) / len(pairs)


def _label(score: float) -> str:
    if abs(score) < DEAD_BAND:
        return "neutral"
    return "rising" if score > 0 else "falling"


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """The scorer that the live feed uses."""
    return MarketScorer()


@pytest.mark.parametrize(
    ("name", "reached", "stock"),
    [("headlines.tsv", 0.99, 0.568), ("headlines_held_out.tsv", 0.972, 0.514)],
)
def test_accuracy(scorer: Scorer, name: str, reached: float, stock: float) -> None:
    """What was reached is kept, and stands far above VADER without our words."""
    assert accuracy(scorer, name) >= reached - 0.0005
    assert accuracy(StockVader(), name) == pytest.approx(stock, abs=0.0005)


def test_there_are_enough_headlines() -> None:
    """At least 200, a quarter of them held out, no title twice, every label in both files."""
    files = {
        name: (DATA / name).read_text("utf-8").splitlines()
        for name in ("headlines.tsv", "headlines_held_out.tsv")
    }
    sizes = [len(lines) for lines in files.values()]

    assert sum(sizes) >= 200
    assert sizes[1] / sum(sizes) >= 0.25
    assert len({line.split("\t")[1].lower() for lines in files.values() for line in lines}) == sum(
        sizes
    )
    for lines in files.values():
        assert {line.split("\t")[0] for line in lines} == {"rising", "falling", "neutral"}


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("Security firm raises questions about bitcoin custody", "neutral"),
        ("Bear market over for bitcoin", "rising"),
        ("Bitcoin traders not bullish", "falling"),
        ("Bitcoin falls to record low in fear", "falling"),
        ("BITCOIN SURGES", "rising"),
        ("Bitcoin\u2019s plunge isn\u2019t over", "falling"),
        ("", "neutral"),
        ("\U0001f600" * 3, "rising"),
    ],
)
def test_traps(scorer: Scorer, title: str, label: str) -> None:
    """Words that mislead do not."""
    assert _label(scorer.score(title)) == label


@pytest.mark.parametrize("title", ["surge " * 60, "crash " * 60, "a" * 300, "( [ \\ * . "])
def test_a_score_stays_in_its_range(scorer: Scorer, title: str) -> None:
    """From -1 to 1, whatever the title."""
    assert -1 <= scorer.score(title) <= 1

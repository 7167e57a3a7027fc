"""How glad or sorry a headline is about the market: VADER with market words of our own."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Protocol

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

WORDS = "market_words.txt"

_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u2013": " - ", "\u2014": " - "})
"""Typographers' quotes and dashes as those that VADER knows."""


class Scorer(Protocol):
    """Judges one headline."""

    def score(self, title: str) -> float:
        """The mood of a title, from -1 (sorry) over 0 (none) to 1 (glad)."""


class StockVader:
    """VADER as it comes, to compare with; it knows no market."""

    def __init__(self) -> None:
        self._analyzer = SentimentIntensityAnalyzer()

    def score(self, title: str) -> float:
        """VADER's compound score."""
        return float(self._analyzer.polarity_scores(title)["compound"])


class MarketScorer:
    """VADER, with phrases and words that mean something else on a market."""

    def __init__(self) -> None:
        self._analyzer = SentimentIntensityAnalyzer()
        words = dict(_entries(files(__package__).joinpath(WORDS).read_text("utf-8")))
        phrases = [entry for entry in words if " " in entry]
        # The longest first, because a regular expression takes the first that fits.
        phrases.sort(key=len, reverse=True)
        self._tokens = {f"phrase{index}": words[phrase] for index, phrase in enumerate(phrases)}
        alternatives = "|".join(map(_group, enumerate(phrases)))
        self._phrases = re.compile(rf"(?<![\w-])(?:{alternatives})(?![\w-])")
        self._analyzer.lexicon.update(words | self._tokens)

    def score(self, title: str) -> float:
        """VADER's compound score of the title, each phrase of ours taken as one word."""
        plain = " ".join(title.translate(_STRAIGHT).lower().split())
        tokens = self._phrases.sub(lambda match: str(match.lastgroup), plain)
        return float(self._analyzer.polarity_scores(tokens)["compound"])


def _entries(text: str) -> Iterator[tuple[str, float]]:
    """The words and phrases of the list, each with its score."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            score, _, words = line.partition(":")
            for word in words.split(","):
                yield word.strip(), float(score)


def _group(numbered: tuple[int, str]) -> str:
    """A regular expression for one phrase, named after its token."""
    index, phrase = numbered
    words = (r"\S+" if word == "*" else re.escape(word) for word in phrase.split())
    return f"(?P<phrase{index}>{' '.join(words)})"

"""The mood of many headlines; pure."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from isbitcoinlit.models import Headline

WINDOW = timedelta(hours=24)
"""Older headlines are forgotten."""
HALF_LIFE = timedelta(hours=6)
"""After so long a headline counts half."""
FEWEST = 5
"""Of fewer headlines the mood is not known, which is not the same as 0."""


@dataclass(frozen=True, slots=True)
class Mood:
    """What the headlines of the window say together."""

    mean: float
    """Weighted, in [-1, 1]."""
    median: float
    """Unweighted, in [-1, 1]."""
    count: int
    newest: datetime


def in_window(headlines: Iterable[Headline], now: datetime) -> list[Headline]:
    """The headlines that still count, newest first, each title once."""
    titles: set[str] = set()
    kept = []
    for headline in sorted(headlines, key=lambda headline: headline.time):
        title = normalized(headline.title)
        if now - headline.time <= WINDOW and title not in titles:
            titles.add(title)
            kept.append(headline)
    return kept[::-1]


def weight(headline: Headline, now: datetime) -> float:
    """How much a headline counts: 1 when new, 0.5 after a half-life."""
    age = max(now - headline.time, timedelta(0))
    return float(0.5 ** (age / HALF_LIFE))


def mood(headlines: Sequence[Headline], now: datetime) -> Mood | None:
    """The mood of the headlines in the window, or None when they are too few."""
    if len(headlines) < FEWEST:
        return None
    scores = [headline.score for headline in headlines]
    weights = [weight(headline, now) for headline in headlines]
    total = sum(share * score for share, score in zip(weights, scores, strict=True))
    return Mood(
        mean=total / sum(weights),
        median=statistics.median(scores),
        count=len(scores),
        newest=max(headline.time for headline in headlines),
    )


def normalized(title: str) -> str:
    """What two versions of one title have in common: letters and digits, in lower case."""
    return "".join(character for character in title.casefold() if character.isalnum())

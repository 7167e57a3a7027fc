"""The mood of many headlines."""

from datetime import UTC, datetime, timedelta

import pytest

from isbitcoinlit.feeds.live.sentiment import in_window, mood, weight
from isbitcoinlit.models import Headline

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def headline(score: float, hours: float = 0, title: str | None = None) -> Headline:
    """A headline of some age."""
    time = NOW - timedelta(hours=hours)
    return Headline(title or f"Title {score} {hours}", None, "news", "guid", time, score)


@pytest.mark.parametrize(("hours", "expected"), [(0, 1), (6, 0.5), (12, 0.25), (24, 0.0625)])
def test_a_headline_counts_half_after_six_hours(hours: float, expected: float) -> None:
    """The weight halves with each half-life."""
    assert weight(headline(0, hours), NOW) == pytest.approx(expected)


def test_the_mean_is_weighted() -> None:
    """The sum of weight times score, over the sum of weights."""
    found = mood([headline(1.0), *(headline(-1.0, 6, str(i)) for i in range(4))], NOW)

    assert found is not None
    assert found.mean == pytest.approx((1 - 4 * 0.5) / (1 + 4 * 0.5))
    assert (found.median, found.count, found.newest) == (-1.0, 5, NOW)


def test_four_headlines_are_no_mood() -> None:
    """Too few say nothing, which is not the same as 0."""
    assert mood([headline(0.5, index) for index in range(4)], NOW) is None
    assert mood([headline(0.5, index) for index in range(5)], NOW) is not None


def test_the_window_ends_after_a_day() -> None:
    """What is older than 24 hours is gone."""
    kept = in_window([headline(0.1, 23.9), headline(0.2, 24.1), headline(0.3, 1)], NOW)

    assert [each.score for each in kept] == [0.3, 0.1]


def test_a_title_counts_once() -> None:
    """Of one title in several spellings the first published is kept."""
    kept = in_window(
        [
            headline(0.1, 1, "Bitcoin: UP!"),
            headline(0.2, 2, "bitcoin up"),
            headline(0.3, 3, "Gold"),
        ],
        NOW,
    )

    assert [each.score for each in kept] == [0.2, 0.3]

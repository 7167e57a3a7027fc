"""Rates as they are written in settings."""

import pytest

from isbitcoinlit.rate import Rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("120/minute", Rate(120, 60)),
        (" 1/second ", Rate(1, 1)),
        ("5000/hour", Rate(5_000, 3_600)),
        ("1000000/day", Rate(1_000_000, 86_400)),
    ],
)
def test_rates(text: str, rate: Rate) -> None:
    """A number, a slash and a unit of time is a rate."""
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "120", "0/minute", "-1/minute", "1.5/hour", "5/minutes"])
def test_other_texts(text: str) -> None:
    """Anything else is refused with an example of what it should be."""
    with pytest.raises(ValueError, match="for instance 120/minute"):
        Rate.parse(text)

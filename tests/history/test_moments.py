"""How a moment can be written."""

import pytest

from isbitcoinlit.errors import ParameterInvalid
from isbitcoinlit.history.moments import parse_duration, parse_moment

NOW = 1_625_659_200_000
"""2021-07-07T12:00:00Z in milliseconds."""


@pytest.mark.parametrize(
    "text",
    [
        "2021-07-07T12:00:00+00:00",
        "2021-07-07T12:00:00 00:00",
        "2021-07-07T14:00:00+02:00",
        "2021-07-07T12:00:00Z",
        "2021-07-07T12:00",
        "2021-07-07 12:00:00",
        " 2021-07-07T12:00:00.000 ",
        "1625659200",
        "1625659200.0",
        "1625659200000",
        "now",
    ],
)
def test_one_moment_in_many_forms(text: str) -> None:
    """ISO 8601, with or without an offset, and seconds and milliseconds mean the same."""
    assert parse_moment("from", text, NOW) == NOW


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("now-6h", 6 * 3_600_000),
        ("now-30s", 30_000),
        ("now-2w", 14 * 86_400_000),
        ("now-1d", 86_400_000),
        ("now-5m", 300_000),
    ],
)
def test_before_now(text: str, back: int) -> None:
    """A length of time can be taken off now."""
    assert parse_moment("from", text, NOW) == NOW - back


def test_a_date_is_its_midnight() -> None:
    """A date alone is the beginning of the day, UTC."""
    assert parse_moment("to", "2021-07-07", NOW) == NOW - 12 * 3_600_000


def test_a_leap_day() -> None:
    """The 29th of February is a day of a leap year, and of no other."""
    assert parse_moment("to", "2024-02-29", NOW) == 1_709_164_800_000
    with pytest.raises(ParameterInvalid):
        parse_moment("to", "2023-02-29", NOW)


def test_the_border_between_seconds_and_milliseconds() -> None:
    """Numbers from 1e11 on are milliseconds."""
    assert parse_moment("to", "99999999999", NOW) == 99_999_999_999_000
    assert parse_moment("to", "100000000000", NOW) == 100_000_000_000


@pytest.mark.parametrize(
    "text",
    [
        "banana",
        "",
        "now+1h",
        "now-6",
        "now-6y",
        "2021-13-01",
        "NaN",
        "inf",
        "1e12",
        "٣",
        "999999999999999",
        "2021-07-07T25:00",
    ],
)
def test_what_is_no_moment(text: str) -> None:
    """Anything else is refused, and the parameter named."""
    with pytest.raises(ParameterInvalid, match=r"^since: ") as raised:
        parse_moment("since", text, NOW)

    assert raised.value.facts["errors"][0]["parameter"] == "since"


def test_lengths_of_time() -> None:
    """A number and a unit; nothing is no length."""
    assert parse_duration("window", "7d") == 7 * 86_400_000
    for text in ("0h", "7", "d", "-7d", "1.5d"):
        with pytest.raises(ParameterInvalid):
            parse_duration("window", text)

"""How a moment can be written in a request."""

import re
from datetime import UTC, datetime

from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.errors import ParameterInvalid

_MILLISECONDS_FROM = 100_000_000_000
"""Integers from here on are milliseconds: as seconds they would lie after the year 5138."""
LATEST = 253_402_300_800_000
"""The end of the year 9999."""
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_RELATIVE = re.compile(r"now(?:-(\d{1,6})(s|m|h|d|w))?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")
"""Where an address had a plus sign that was not escaped, and so became a space."""


def parse_moment(parameter: str, text: str, now: int) -> int:
    """Return a moment in milliseconds since the epoch.

    Takes ISO 8601 (naive means UTC), seconds or milliseconds since the epoch, `now` and `now-6h`.
    Raises `ParameterInvalid`.
    """
    text = text.strip()
    if found := _RELATIVE.fullmatch(text):
        back = int(found[1]) * _SECONDS[found[2]] * 1_000 if found[1] else 0
        moment = now - back
    elif _NUMBER.fullmatch(text):
        number = float(text)
        moment = round(number if abs(number) >= _MILLISECONDS_FROM else number * 1_000)
    else:
        moment = _parse_iso(parameter, text)
    if moment >= LATEST:
        raise ParameterInvalid(parameter, f"{text!r} lies after the year 9999")
    return moment


def parse_duration(parameter: str, text: str) -> int:
    """Return a length of time such as `7d` in milliseconds; raises `ParameterInvalid`."""
    found = re.fullmatch(r"(\d{1,6})(s|m|h|d|w)", text.strip(), re.ASCII)
    if not found or not int(found[1]):
        raise ParameterInvalid(parameter, f"{text!r} is no length of time such as 24h or 7d")
    return int(found[1]) * _SECONDS[found[2]] * 1_000


def _parse_iso(parameter: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(_LOST_PLUS.sub("+", text) if "T" in text else text)
        return to_milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise ParameterInvalid(
            parameter,
            f"{text!r} is no time; ISO 8601, seconds or milliseconds since 1970, and now-6h are",
        ) from None


def are_fixed(*moments: str | None) -> bool:
    """Tell whether texts mean the same moments whenever they are read."""
    return all(moment and not moment.strip().startswith("now") for moment in moments)

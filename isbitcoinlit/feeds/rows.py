"""SentiCrypt v1's format, a JSON array of 30-second rows, becomes readings."""

import json
import math
import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from isbitcoinlit.clock import EPOCH, from_milliseconds
from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.models import Reading

EARLIEST = EPOCH.replace(year=2009, month=1, day=3)
"""The day of Bitcoin's first block; no reading is older."""
AHEAD = timedelta(seconds=60)
"""How far in the future a reading may lie, since clocks differ."""

_EARLIEST_SECONDS = EARLIEST.timestamp()
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII)
MOST_VALUES = 1_000_000
"""In one body: 43 days of rows. A body of 16 MB could hold five times as many empty lists, and
keep the process busy for seconds."""
_MOST_TEXTS = 1e9
"""A count beyond this is not one."""
_REASONS_NAMED = 3
"""How many reasons a sentence names when no row is usable."""

_Values = tuple[float | None, ...]
"""Price, sentiment, median and count of one time."""


def parse_rows(body: bytes, now: datetime, opening: str = "The feed sent") -> Pull:
    """The readings in a body, and how many of its values were rejected, by reason.

    Prices and sentiments may be JSON numbers or numeric texts, times only JSON numbers (unix
    seconds). Of two rows with one time the first keeps what it has. Raises `FeedInvalid`, with a
    sentence that starts with `opening`, when the body is not an array or no row of it is usable.
    """
    rows = _array(body, opening)
    rejected: Counter[str] = Counter()
    values: dict[int, _Values] = {}
    latest = (now + AHEAD).timestamp()
    for row in rows:
        if not isinstance(row, dict):
            rejected["row-not-an-object"] += 1
        elif (time := _time(row, latest, rejected)) is not None:
            found = (_price(row, rejected), _sentiment(row, rejected), _median(row), _count(row))
            _keep(values, time, found, rejected)
    if not values:
        raise FeedInvalid(f"{opening} {len(rows)} rows, none of them usable: {_most(rejected)}.")
    readings = tuple(Reading(from_milliseconds(time), *values[time]) for time in sorted(values))
    return Pull(readings=readings, fetched=len(rows), rejected=dict(rejected))


def _array(body: bytes, opening: str) -> list[Any]:
    """The rows of a body that is an array of at least one."""
    if body.count(b",") >= MOST_VALUES:
        raise FeedInvalid(f"{opening} more than {MOST_VALUES} values.")
    try:
        # Every number as a float: an integer of thousands of digits is refused by int().
        content = json.loads(body, parse_int=float)
    except RecursionError:
        raise FeedInvalid(f"{opening} JSON that is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise FeedInvalid(f"{opening} {_not_json(body, error)}.") from None
    except UnicodeDecodeError:
        raise FeedInvalid(f"{opening} bytes that are not text.") from None
    if not isinstance(content, list):
        raise FeedInvalid(f"{opening} {_kind(content)}, not a list of readings.")
    if not content:
        raise FeedInvalid(f"{opening} an empty list, no readings.")
    return content


def _not_json(body: bytes, error: json.JSONDecodeError) -> str:
    if body.lstrip()[:1] == b"<":
        return "a page of HTML or XML, not a list of readings"
    return f"{len(body)} bytes that are not JSON (line {error.lineno}: {error.msg})"


def _kind(content: object) -> str:
    """What a JSON value that is not an array is called."""
    match content:
        case None | bool():
            return json.dumps(content)
        case dict():
            return "an object"
        case str():
            return "a text"
        case _:
            return "a number"


def _most(rejected: Counter[str]) -> str:
    """The most common reasons with their counts."""
    common = rejected.most_common(_REASONS_NAMED)
    return ", ".join(f"{count} {reason}" for reason, count in common)


def _time(row: dict[str, Any], latest: float, rejected: Counter[str]) -> int | None:
    """The row's time in milliseconds since the epoch, or None with the reason counted."""
    seconds = _finite(row.get("timestamp"), "time", rejected)
    if seconds is None:
        return None
    if seconds < _EARLIEST_SECONDS:
        rejected["time-out-of-range"] += 1
        return None
    if seconds > latest:
        rejected["time-in-future"] += 1
        return None
    return round(seconds * 1000)


def _price(row: dict[str, Any], rejected: Counter[str]) -> float | None:
    """The row's price, or None with the reason counted."""
    price = _finite(_number(row.get("btc_price")), "price", rejected)
    if price is not None and price <= 0:
        rejected["price-not-positive"] += 1
        return None
    return price


def _sentiment(row: dict[str, Any], rejected: Counter[str]) -> float | None:
    """The row's mean score, or None with the reason counted."""
    sentiment = _finite(_number(row.get("mean")), "sentiment", rejected)
    if sentiment is not None and not -1 <= sentiment <= 1:
        rejected["sentiment-out-of-range"] += 1
        return None
    return sentiment


def _median(row: dict[str, Any]) -> float | None:
    """The row's median score, if it is one: nobody is told of what few feeds have."""
    median = _number(row.get("median"))
    return median if isinstance(median, float) and -1 <= median <= 1 else None


def _count(row: dict[str, Any]) -> float | None:
    """How many texts the row speaks of, if it says so."""
    count = _number(row.get("count"))
    return count if isinstance(count, float) and 0 <= count < _MOST_TEXTS else None


def _number(value: object) -> object:
    """A numeric text as its number, anything else as it is.

    Stricter than `float()`, which also takes "1_000", blanks around and digits of any script.
    """
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return float(value)
        if _NOT_FINITE.fullmatch(value):
            return math.nan
    return value


def _finite(value: object, what: str, rejected: Counter[str]) -> float | None:
    """The value if it is a finite number, or None with the reason counted."""
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        rejected[f"{what}-not-finite"] += 1
    elif value is None:
        rejected[f"{what}-missing"] += 1
    else:
        rejected[f"{what}-not-a-number"] += 1
    return None


def _keep(values: dict[int, _Values], time: int, found: _Values, rejected: Counter[str]) -> None:
    """Note what a row has for its time, unless an earlier row has it already."""
    if found[:2] == (None, None):
        return
    kept = values.get(time)
    if kept is None:
        values[time] = found
        return
    filled = tuple(new if old is None else old for old, new in zip(kept, found, strict=True))
    if filled == kept:
        rejected["duplicate-time"] += 1
    values[time] = filled

"""JSON from upstreams: read with a limit to what can go wrong, and one kind of error."""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from isbitcoinlit.errors import FeedInvalid

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def parse_json(body: bytes, sender: str) -> Any:
    """The value in a JSON body, all numbers as floats; `FeedInvalid` when it is no JSON."""
    try:
        # Every number as a float: an integer of thousands of digits is refused by int().
        return json.loads(body, parse_int=float)
    except (ValueError, RecursionError):
        what = "a page of HTML or XML" if body.lstrip()[:1] == b"<" else "something else"
        raise FeedInvalid(f"{sender} sent {what} where JSON was expected.") from None


@contextmanager
def expected(sender: str) -> Iterator[None]:
    """Anything missing, or of another kind than the block takes it for, is `FeedInvalid`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        raise FeedInvalid(f"{sender} sent JSON of an unknown shape ({reason}).") from error


def number(value: object) -> float:
    """The finite number that a JSON number or a numeric text stands for, else a ValueError.

    Stricter than `float()`, which also takes "1_000", blanks around and digits of any script.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if not isinstance(value, float) or not math.isfinite(value):
        raise ValueError(f"not a finite number: {value!r}"[:80])
    return value


def positive(value: object) -> float:
    """A number that is greater than 0, else a ValueError."""
    found = number(value)
    if found <= 0:
        raise ValueError(f"not greater than 0: {value!r}"[:80])
    return found

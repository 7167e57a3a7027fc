"""A number of requests in a stretch of time, as it is written in settings: `120/minute`."""

import re
from dataclasses import dataclass
from typing import Self

UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_FORM = re.compile(rf"([1-9][0-9]{{0,11}})/({'|'.join(UNITS)})")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `120/minute`; ValueError with what it should look like."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"should be a number and one of {', '.join(UNITS)}, for instance 120/minute"
            )
        return cls(int(match[1]), UNITS[match[2]])

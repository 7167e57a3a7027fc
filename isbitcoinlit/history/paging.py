"""The cursor of a list that is read page by page."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from isbitcoinlit.errors import ParameterInvalid
from isbitcoinlit.history.moments import LATEST
from isbitcoinlit.models import Span

FEED_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list goes on: by time, so that whatever is added behind or before moves nothing."""

    feed: str
    span: Span
    """What is left of the range that was asked for."""

    def write(self) -> str:
        """Return the cursor as a text that means something to `read` alone."""
        text = json.dumps([self.feed, self.span.begin, self.span.end], separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Return the cursor that a text stands for; raises `ParameterInvalid`."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            feed, begin, end = json.loads(urlsafe_b64decode(padded))
            is_span = type(begin) is type(end) is int and 0 <= begin <= end < LATEST
            if is_span and isinstance(feed, str) and FEED_NAME.fullmatch(feed):
                return cls(feed, Span(begin, end))
        except (ValueError, TypeError, RecursionError):
            pass
        raise ParameterInvalid("cursor", "this is no cursor that was given out here")

"""The Fear & Greed index of alternative.me: one value a day since February 2018."""

from typing import Any

import httpx

from isbitcoinlit.clock import Clock, from_milliseconds
from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.daily.base import LIMITS, collect
from isbitcoinlit.feeds.http import fetch, open_client
from isbitcoinlit.feeds.payload import expected, number, parse_json
from isbitcoinlit.models import Reading

NAME = "fear-greed"
RECENT_DAYS = 10
"""Asked for after the first pull, which asks for all days there are."""
_NEUTRAL = 50
_SENDER = "alternative.me"


class FearGreed:
    """Fear (0) to greed (100), as a sentiment from -1 to 1."""

    name = NAME
    attribution = "Fear & Greed Index by alternative.me, https://alternative.me/crypto/"

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = httpx.URL(url)
        self._clock = clock
        self._client = open_client(LIMITS)
        self._days = 0

    async def pull(self) -> Pull:
        """All days, and from the second pull on the last few."""
        url = str(self._url.copy_merge_params({"limit": self._days}))
        answer = await fetch(self._client, url, clock=self._clock, limits=LIMITS)
        document = parse_json(answer.body, _SENDER)
        with expected(_SENDER):
            error, rows = document.get("metadata", {}).get("error"), list(document["data"])
        if error:
            raise FeedInvalid(f"{_SENDER} answered with an error: {str(error)[:200]}.")
        pull = collect(rows, _reading, self._clock.now(), _SENDER)
        self._days = RECENT_DAYS
        return pull

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _reading(row: Any) -> Reading:
    value = number(row["value"])
    if not 0 <= value <= 2 * _NEUTRAL:
        raise ValueError(f"not an index: {value}")
    time = from_milliseconds(round(number(row["timestamp"]) * 1_000))
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return Reading(day, None, (value - _NEUTRAL) / _NEUTRAL)

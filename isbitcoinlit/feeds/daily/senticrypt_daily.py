"""SentiCrypt v2: the mean sentiment of every day since April 2019."""

from datetime import UTC, datetime, timedelta
from typing import Any

from isbitcoinlit.clock import Clock
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.daily.base import LIMITS, collect
from isbitcoinlit.feeds.http import fetch, open_client
from isbitcoinlit.feeds.payload import expected, number, parse_json
from isbitcoinlit.models import Reading

NAME = "senticrypt-daily"
_SENDER = "SentiCrypt v2"


class SentiCryptDaily:
    """The daily mean; never the price beside it, which is another day's."""

    name = NAME
    attribution = "SentiCrypt, https://senticrypt.com/"

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._client = open_client(LIMITS)

    async def pull(self) -> Pull:
        """All days that are over: the mean of the present one still changes."""
        answer = await fetch(self._client, self._url, clock=self._clock, limits=LIMITS)
        document = parse_json(answer.body, _SENDER)
        with expected(_SENDER):
            rows = [*document]
        yesterday = self._clock.now() - timedelta(days=1)
        return collect(rows, _reading, yesterday, _SENDER)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _reading(row: Any) -> Reading:
    mean = number(row["mean"])
    if not -1 <= mean <= 1:
        raise ValueError(f"not a score: {mean}")
    # In one piece with its zone: what comes without one is a day of UTC.
    return Reading(datetime.strptime(row["date"], "%Y-%m-%d").replace(tzinfo=UTC), None, mean)

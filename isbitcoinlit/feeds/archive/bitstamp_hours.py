"""Bitstamp's hourly prices since August 2011."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from isbitcoinlit.clock import EPOCH, HOUR, Clock, from_milliseconds
from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.http import fetch, open_client
from isbitcoinlit.feeds.live.live import NAME as LIVE
from isbitcoinlit.feeds.payload import expected, number, parse_json, positive
from isbitcoinlit.models import Reading

FIRST = EPOCH + timedelta(seconds=1_313_625_600)
"""18 August 2011: there is nothing before."""
BLOCK_HOURS = 1_000
"""Bars in one request, the most that Bitstamp gives; a part is so many hours since the epoch."""
_BLOCK = BLOCK_HOURS * HOUR
_SENDER = "Bitstamp"


class BitstampHours:
    """One price for each hour in which there was a trade: the last one, at the hour's end."""

    name = "price"
    feed = LIVE
    only_gaps = True

    def __init__(self, url: str, clock: Clock, since: datetime) -> None:
        self._url = httpx.URL(url)
        self._clock = clock
        self._since = max(since, FIRST)
        self._client = open_client()

    async def parts(self) -> list[str]:
        """The numbers of the blocks from the one that holds the beginning to the present one."""
        first, last = (self._since - EPOCH) // _BLOCK, (self._clock.now() - EPOCH) // _BLOCK
        return [str(block) for block in range(first, last + 1)]

    async def read(self, part: str) -> Pull:
        """The prices of a block; `end` is its last hour, because `limit` beats `start`."""
        start = EPOCH + int(part) * _BLOCK
        last = start + _BLOCK - HOUR
        query = {"step": 3_600, "limit": BLOCK_HOURS, "end": int(last.timestamp())}
        url = str(self._url.copy_merge_params(query))
        answer = await fetch(self._client, url, clock=self._clock)
        document = parse_json(answer.body, _SENDER)
        with expected(_SENDER):
            bars = list(document["data"]["ohlc"])
        readings, broken = _readings(bars)
        if bars and broken == len(bars):
            raise FeedInvalid(f"{_SENDER} sent {broken} bars, none of them usable.")
        end = min(start + _BLOCK, self._clock.now())
        kept = sorted(time for time in readings if start <= time < end)
        rejected = {"bar-unusable": broken} if broken else {}
        return Pull(tuple(readings[time] for time in kept), fetched=len(bars), rejected=rejected)

    def closed(self, part: str) -> bool:
        """Whether the block's last hour is over, and was an hour ago."""
        return EPOCH + (int(part) + 1) * _BLOCK + HOUR <= self._clock.now()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _readings(bars: list[Any]) -> tuple[dict[datetime, Reading], int]:
    """Read what can be read; return it by its times, and how many bars were no bars."""
    readings, broken = {}, 0
    for bar in bars:
        try:
            with expected(_SENDER):
                if _traded(bar):
                    reading = _reading(bar)
                    readings[reading.time] = reading
        except FeedInvalid:
            broken += 1
    return readings, broken


def _traded(bar: Any) -> bool:
    """Whether there was a trade: a bar without one repeats the price of an earlier hour."""
    return number(bar["volume"]) > 0


def _reading(bar: Any) -> Reading:
    start = from_milliseconds(round(number(bar["timestamp"]) * 1_000))
    # The last millisecond of the hour, so that the price falls into the hour it is about.
    return Reading(start + HOUR - timedelta(milliseconds=1), positive(bar["close"]), None)

"""SentiCrypt's addresses of its first version, for programs that have them built in.

`bitcoin.json` is a day, `history/bitcoin-YYYY-MM-DD_HH.json` an hour of it, and
`history/index.json` the list of hours.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from isbitcoinlit.clock import EPOCH, HOUR_MILLISECONDS, from_milliseconds, to_milliseconds
from isbitcoinlit.history.cache import AnswerName
from isbitcoinlit.models import Reading, Span
from isbitcoinlit.resources import Resources
from isbitcoinlit.series.buckets import DAY_MILLISECONDS
from isbitcoinlit.web.answer_form import Lifetime, answer_text
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.history_params import FeedDep
from isbitcoinlit.web.problems import ProblemError, responses
from isbitcoinlit.web.senticrypt_schemas import SentiCryptRow
from isbitcoinlit.web.summary import ALWAYS

router = APIRouter(prefix="/v1", tags=["senticrypt"])

MOST_ROWS = 100_000
"""Of a day: a reading a second."""
_JSON = "application/json"
_FILE = "bitcoin-{:%Y-%m-%d_%H}.json"


@router.get("/bitcoin.json", response_model=list[SentiCryptRow], responses=responses(422, 503))
async def day(request: Request, resources: ResourcesDep, feed: FeedDep) -> Response:
    """Give the 24 hours up to the newest reading, oldest first, as SentiCrypt did."""

    async def make() -> str:
        fresh = await resources.history.freshness(feed, resources.history.now() + 1, is_open=True)
        end = (fresh.as_of or 0) + 1
        return await _rows(resources, feed, Span(max(0, end - DAY_MILLISECONDS), end))

    name = AnswerName("v1-day", feed, ALWAYS)
    lifetime = Lifetime.until_refresh(resources)
    return await answer_text(request, resources, name, lifetime, _JSON, make)


@router.get("/history/index.json", response_model=list[str], responses=responses(422, 503))
async def index(request: Request, resources: ResourcesDep, feed: FeedDep) -> Response:
    """List the files of the hours that have a reading, oldest first."""

    async def make() -> str:
        hours = await resources.history.hours(feed)
        names = [_FILE.format(from_milliseconds(hour)) for hour in hours]
        return json.dumps(names, separators=(",", ":"))

    name = AnswerName("v1-index", feed, ALWAYS)
    lifetime = Lifetime.until_refresh(resources)
    return await answer_text(request, resources, name, lifetime, _JSON, make)


@router.get(
    "/history/{name}", response_model=list[SentiCryptRow], responses=responses(404, 422, 503)
)
async def hour(request: Request, resources: ResourcesDep, feed: FeedDep, name: str) -> Response:
    """Give the readings of one hour, UTC, oldest first; 404 for an hour without any."""
    span = _hour(name)

    async def make() -> str:
        return await _rows(resources, feed, span)

    now = resources.history.now()
    over = Lifetime(HOUR_MILLISECONDS / 1_000, "public, max-age=300")
    lifetime = over if span.end <= now else Lifetime.until_refresh(resources)
    answer = AnswerName("v1-hour", feed, span)
    if not await resources.history.readings(feed, span, 1):
        raise ProblemError(404, "not-found", f"There is no reading in the hour of {name}.")
    return await answer_text(request, resources, answer, lifetime, _JSON, make)


def _hour(name: str) -> Span:
    with suppress(ValueError):
        begin = datetime.strptime(name, "bitcoin-%Y-%m-%d_%H.json").replace(tzinfo=UTC)
        if _FILE.format(begin) == name and begin >= EPOCH:
            start = to_milliseconds(begin)
            return Span(start, start + HOUR_MILLISECONDS)
    raise ProblemError(404, "not-found", "Files are called bitcoin-YYYY-MM-DD_HH.json.")


async def _rows(resources: Resources, feed: str, span: Span) -> str:
    found: Sequence[Reading] = await resources.history.readings(feed, span, MOST_ROWS)
    rows = [_row(reading) for reading in found]
    return json.dumps(rows, separators=(",", ":"), allow_nan=False)


def _row(reading: Reading) -> dict[str, Any]:
    """Write a reading down under SentiCrypt's names, in its types."""
    return {
        "count": None if reading.count is None else int(reading.count),
        "timestamp": to_milliseconds(reading.time) / 1_000,
        "rate": None,
        "last": None,
        "sum": None,
        "mean": reading.sentiment,
        "median": reading.median,
        "btc_price": None if reading.price is None else _text(reading.price),
    }


def _text(price: float) -> str:
    """Write a price as SentiCrypt did, without decimals where it has none."""
    return repr(price).removesuffix(".0")

"""`/api/v1/summary`: what a ticker shows, in one answer."""

import json
from typing import Any

from fastapi import APIRouter, Request, Response

from isbitcoinlit.history.cache import AnswerName
from isbitcoinlit.history.documents import TimeForm, Write
from isbitcoinlit.history.extent import Extent
from isbitcoinlit.history.summary import MetricSummary, Summary
from isbitcoinlit.models import Metric, Span
from isbitcoinlit.web.answer_form import Lifetime, answer_text
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.history_params import FeedDep, TimeFormParam
from isbitcoinlit.web.history_schemas import SummarySchema
from isbitcoinlit.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["history"])

ALWAYS = Span(0, 1 << 62)
"""An answer that every new reading touches."""


@router.get(
    "/summary",
    response_model=SummarySchema,
    responses={304: {"description": "Not modified (`If-None-Match`)"}, **responses(422, 503)},
)
async def summary(
    request: Request, resources: ResourcesDep, feed: FeedDep, ts: TimeFormParam = TimeForm.ISO
) -> Response:
    """Give the latest price and sentiment, their change, high and low, and the volatility.

    Windows end with the newest reading. A change is told only where the readings reach back to
    the beginning of its window.
    """

    async def make() -> str:
        now = resources.history.now()
        found = await resources.summaries.read(feed, now)
        stale = found.as_of is None or now - found.as_of > resources.settings.stale_after * 1_000
        document = {"feed": feed, **_document(found, ts.write), "stale": stale}
        return json.dumps(document, separators=(",", ":"), allow_nan=False)

    name = AnswerName("summary", feed, ALWAYS, ts)
    lifetime = Lifetime.until_refresh(resources)
    return await answer_text(request, resources, name, lifetime, "application/json", make)


def _document(found: Summary, write: Write) -> dict[str, Any]:
    return {
        "as_of": None if found.as_of is None else write(found.as_of),
        **{metric: _metric(metric, found.metrics[metric], write) for metric in found.metrics},
        "volatility": {
            name: spread
            and {
                "hourly": spread.hourly,
                "annualised": spread.annualised,
                "returns": spread.returns,
            }
            for name, spread in found.volatility.items()
        },
    }


def _metric(metric: Metric, found: MetricSummary, write: Write) -> dict[str, Any]:
    latest = found.latest
    return {
        "latest": latest[1] if latest else None,
        "time": write(latest[0]) if latest else None,
        "windows": {name: _window(metric, e, write) for name, e in found.windows.items()},
    }


def _window(metric: Metric, found: Extent, write: Write) -> dict[str, Any]:
    return {
        "since": None if found.since is None else write(found.since),
        "change": found.change,
        # A share of a score that may be zero or negative says nothing.
        "change_percent": found.change_percent if metric is Metric.PRICE else None,
        "high": found.high,
        "low": found.low,
        "samples": found.samples,
    }

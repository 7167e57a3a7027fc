"""`/health/feeds`: how every feed and every source is doing."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from isbitcoinlit.feeds.health import FeedReport, disabled
from isbitcoinlit.resources import Resources
from isbitcoinlit.settings import FEED_NAMES
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.feed_schemas import (
    FeedHealthSchema,
    FeedsHealthSchema,
    SourceHealthSchema,
)
from isbitcoinlit.web.problems import ProblemError, responses

router = APIRouter(prefix="/health/feeds", tags=["health"])


@router.get("")
async def feeds(resources: ResourcesDep, response: Response) -> FeedsHealthSchema:
    """Say how the feeds are doing, judged by the time of their data."""
    response.headers["cache-control"] = "no-store"
    reports = await resources.board.reports()
    companions = await resources.companions.board.reports()
    return FeedsHealthSchema(
        speaks=resources.reader.feed,
        feeds=[_feed(report, resources) for report in reports],
        companions=[
            SourceHealthSchema(**_health(report, resources))
            for report in (*companions, *map(disabled, resources.companions.disabled))
        ],
    )


@router.get("/{name}", responses=responses(404))
async def feed(name: str, resources: ResourcesDep, response: Response) -> FeedHealthSchema:
    """Say how one feed or companion is doing."""
    response.headers["cache-control"] = "no-store"
    reports = await resources.board.reports() + await resources.companions.board.reports()
    known = {name: disabled(name) for name in (*FEED_NAMES, *resources.companions.disabled)}
    known |= {report.name: report for report in reports}
    if name not in known:
        raise ProblemError(404, "unknown-feed", f"There is no feed {name!r}; {', '.join(known)}.")
    return _feed(known[name], resources)


def _feed(report: FeedReport, resources: Resources) -> FeedHealthSchema:
    return FeedHealthSchema(
        **_health(report, resources),
        speaks=report.name == resources.reader.feed,
        sources=[SourceHealthSchema(**_health(source, resources)) for source in report.sources],
    )


def _health(report: FeedReport, resources: Resources) -> dict[str, Any]:
    wait = report.next_attempt_in
    next_attempt = resources.clock.now() + timedelta(seconds=wait) if wait else None
    return {
        "name": report.name,
        "status": report.state,
        "newest": report.newest,
        "last_success": report.last_success,
        "last_error": report.last_error,
        "requests": report.pulls,
        "failures": report.failures,
        "next_attempt": next_attempt,
    }

"""`/health/…`: whether the process runs, and whether it can answer."""

import asyncio

from fastapi import APIRouter, Response

from isbitcoinlit.errors import IsBitcoinLitError, RedisUnavailable
from isbitcoinlit.feeds.health import FeedReport
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.resources import Resources
from isbitcoinlit.snapshot.memory import Source
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.schemas import CheckSchema, LiveSchema, ReadySchema

PING_SECONDS = 0.5
"""Redis answers in less than a millisecond, and whoever asks may wait for a second only."""

router = APIRouter(prefix="/health", tags=["health"])


@router.head("/live", include_in_schema=False)
@router.get("/live")
async def live() -> LiveSchema:
    """Say that the process runs; looks at nothing else."""
    return LiveSchema(status="ok")


@router.head("/ready", include_in_schema=False)
@router.get("/ready", responses={503: {"model": ReadySchema, "description": "Cannot answer polls"}})
async def ready(resources: ResourcesDep, response: Response) -> ReadySchema:
    """Say whether polls can be answered, and how well.

    503 only when a poll could not be answered: a stale feed does not take replicas out of rotation.
    A feed that does not speak may be stale or failing without making this `degraded`.
    """
    checks = await _checks(resources)
    response.headers["cache-control"] = "no-store"
    if any(check.name == "snapshot" and check.status == "failing" for check in checks):
        response.status_code = 503
        return ReadySchema(status="failing", checks=checks)
    # A feed that is not the one that speaks may be stale or failing: that is why there are several.
    speaks = f"feed {resources.reader.feed}"
    heard = [
        check for check in checks if not check.name.startswith("feed ") or check.name == speaks
    ]
    good = all(check.status == "ok" for check in heard)
    return ReadySchema(status="ok" if good else "degraded", checks=checks)


async def _checks(resources: Resources) -> list[CheckSchema]:
    """Look at everything at the same time: each look may wait for a Redis that hangs."""
    redis, snapshot, reports = await asyncio.gather(
        _redis(resources), _snapshot(resources), resources.board.reports()
    )
    feeds = [_feed(report, speaks=report.name == resources.reader.feed) for report in reports]
    return [redis, snapshot, *feeds]


def _feed(report: FeedReport, *, speaks: bool) -> CheckSchema:
    newest = f"newest reading {report.newest.isoformat()}" if report.newest else "not asked yet"
    detail = (report.last_error or newest) + (" (speaks)" if speaks else "")
    return CheckSchema(name=f"feed {report.name}", status=report.state.value, detail=detail)


async def _redis(resources: Resources) -> CheckSchema:
    try:
        with redis_errors():
            async with asyncio.timeout(PING_SECONDS):
                await resources.redis.ping()
    except RedisUnavailable as error:
        return CheckSchema(name="redis", status="failing", detail=str(error))
    return CheckSchema(name="redis", status="ok", detail="answers")


async def _snapshot(resources: Resources) -> CheckSchema:
    """Do what a poll does."""
    try:
        answer = await resources.cache.get()
    except IsBitcoinLitError as error:
        return CheckSchema(name="snapshot", status="failing", detail=str(error))
    seconds = (resources.clock.now() - answer.snapshot.as_of).total_seconds()
    detail = f"newest reading {seconds:.0f} s old"
    if answer.source is Source.STALE:
        detail += f", not checked for {answer.age:.0f} s"
    return CheckSchema(
        name="snapshot", status="stale" if answer.snapshot.stale else "ok", detail=detail
    )

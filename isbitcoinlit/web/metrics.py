"""`GET /metrics`: the service's numbers, for Prometheus."""

import hmac

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from isbitcoinlit.errors import StorageError
from isbitcoinlit.resources import Resources
from isbitcoinlit.settings import Settings
from isbitcoinlit.usage.exposition import CONTENT_TYPE, Exposition
from isbitcoinlit.web.deps import ResourcesDep, SettingsDep
from isbitcoinlit.web.guard import from_this_machine, logged_in
from isbitcoinlit.web.problems import responses

router = APIRouter(tags=["health"])


async def _may_scrape(request: Request, settings: SettingsDep) -> None:
    """Let callers on this machine pass, whoever has the token for it, and operators."""
    if not from_this_machine(request, settings) and not _has_token(request, settings):
        await logged_in(request, None)


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses=responses(401, 403, 503),
    dependencies=[Depends(_may_scrape)],
)
async def metrics(resources: ResourcesDep) -> Response:
    """Tell the numbers of all processes behind this address.

    Open to callers on the same machine while the service listens on loopback; others send the
    token of ISBITCOINLIT_METRICS_TOKEN, or an operator's.
    """
    counters, meters = resources.traffic.counters, resources.traffic.meters
    try:
        await resources.traffic.settle_counters()
        totals, gauges = await counters.read()
    except StorageError:
        totals, gauges = counters.unshared(), meters.states()
    if last_write := gauges.pop("last_write_timestamp_seconds", None):
        gauges["write_age_seconds"] = resources.clock.now().timestamp() - last_write
    feeds = {report.name: report.state.value for report in await resources.board.reports()}
    text = Exposition(totals, gauges | _own(resources), feeds).text()
    return Response(text, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _own(resources: Resources) -> dict[str, float]:
    """Return what every process knows for itself."""
    limiters = resources.traffic.limiters.values()
    gauges: dict[str, float] = {"limiter_clients": sum(len(limiter) for limiter in limiters)}
    if entry := resources.memory.entry:
        gauges["snapshot_age_seconds"] = resources.clock.monotonic() - entry.confirmed
        data_age = resources.clock.now() - entry.fresh.as_of
        gauges["data_age_seconds"] = data_age.total_seconds()
    return gauges


def _has_token(request: Request, settings: Settings) -> bool:
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    token = settings.metrics_token
    return (
        token is not None
        and scheme.lower() == "bearer"
        and hmac.compare_digest(sent.strip().encode(), token.get_secret_value().encode())
    )

"""`GET /`, its files, and `/docs`."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from isbitcoinlit.errors import IsBitcoinLitError, StorageError
from isbitcoinlit.models import PAIR, Reading, Snapshot
from isbitcoinlit.resources import Resources
from isbitcoinlit.web.assets import Assets
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.page_view import (
    History,
    answer_values,
    feed_values,
    history_values,
    state_html,
)

router = APIRouter(include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_NOT_BUILT = "This installation came without the chart. Everything else is here."
_FOR_EVER = "public, max-age=31536000, immutable"
PATIENCE_SECONDS = 0.5
"""How long the page waits for what is stored; a Redis that hangs must not hide the answer."""


async def _assets(request: Request) -> Assets:
    assets: Assets = request.app.state.assets
    return assets


AssetsDep = Annotated[Assets, Depends(_assets)]


@router.head("/")
@router.get("/")
async def page(request: Request, resources: ResourcesDep, assets: AssetsDep) -> HTMLResponse:
    """Show the answer, complete as it is sent; the scripts keep it true."""
    now = resources.clock.now()
    snapshot, why_not = await _snapshot(resources)
    history = await _history(resources)
    built = assets.get("lightweight-charts.js") is not None
    html = assets.template(
        "page.html",
        **answer_values(snapshot, now, why_not),
        **feed_values(resources.health.report()),
        **history_values(history),
        state_html=state_html(snapshot, history, now, resources.settings.stale_after),
        url=f"{request.base_url}is-bitcoin-lit",
        chart="built" if built else "absent",
        chart_note="" if built else _NOT_BUILT,
    )
    return HTMLResponse(html, headers=_HEADERS)


@router.head("/docs")
@router.get("/docs")
async def docs(assets: AssetsDep) -> HTMLResponse:
    """Show the API, to try out, without asking anybody else for anything."""
    built = assets.get("swagger-ui.js") is not None
    note = "Loading" if built else "This installation came without the viewer. The description:"
    return HTMLResponse(assets.template("docs.html", note=note), headers=_HEADERS)


@router.head("/assets/{version}/{name}")
@router.get("/assets/{version}/{name}")
async def asset(request: Request, assets: AssetsDep, version: str, name: str) -> Response:
    """Serve one file of the page; a page of before an update gets the new one, not kept."""
    file = assets.get(name)
    if file is None:
        raise HTTPException(404)
    headers = {
        "cache-control": _FOR_EVER if version == assets.version else "no-cache",
        "vary": "Accept-Encoding",
        "x-content-type-options": "nosniff",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            file.packed, headers={**headers, "content-encoding": "gzip"}, media_type=file.media_type
        )
    return Response(file.plain, headers=headers, media_type=file.media_type)


async def _snapshot(resources: Resources) -> tuple[Snapshot | None, str]:
    """Return the snapshot, or why there is none; the page is shown in any case."""
    try:
        return (await resources.cache.get()).snapshot, ""
    except IsBitcoinLitError as error:
        return None, str(error)


async def _history(resources: Resources) -> History:
    """Return what is stored of the feed; without Redis the page is shown all the same."""
    feed = resources.feed.name
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            count, newest = await resources.series.count(feed), await resources.series.newest(feed)
    except (StorageError, TimeoutError):
        return History()
    if not newest:
        return History(count)
    time = max(at for at, _ in newest.values())
    price, sentiment = (newest[metric][1] if metric in newest else None for metric in PAIR)
    return History(count, Reading(time, price, sentiment))

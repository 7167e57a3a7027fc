"""`/badge.svg` and `/badge.json`: the verdict for a README or a wiki page."""

import json
from string import Template
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from isbitcoinlit.errors import IsBitcoinLitError
from isbitcoinlit.models import Snapshot
from isbitcoinlit.resources import Resources
from isbitcoinlit.snapshot.memory import Answer
from isbitcoinlit.snapshot.verdict import Verdict, verdict
from isbitcoinlit.web.deps import ResourcesDep, ResponderDep
from isbitcoinlit.web.schemas import ShieldsSchema
from isbitcoinlit.web.snapshot_response import SnapshotResponder, conditions, http

router = APIRouter(tags=["badges"])

_NO_DATA_SECONDS = 60
"""How long a badge that says `no data` may be kept; what shows badges asks seldom anyway."""
_CHARACTER = 7.2
"""Width of a letter of 11 px Verdana, in px; the text is stretched to fit exactly."""
_PADDING = 10.0

_SVG = Template(
    '<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="20" role="img" '
    'aria-label="bitcoin: $message"><title>bitcoin: $message</title>'
    '<clipPath id="r"><rect width="$width" height="20" rx="3"/></clipPath>'
    '<g clip-path="url(#r)"><rect width="$left" height="20" fill="#3f3f46"/>'
    '<rect x="$left" width="$right" height="20" fill="$color"/></g>'
    '<g fill="#fff" text-anchor="middle" font-size="11" '
    'font-family="Verdana,DejaVu Sans,Geneva,sans-serif">'
    '<text x="$label_at" y="14" textLength="$label_length">bitcoin</text>'
    '<text x="$message_at" y="14" textLength="$message_length">$message</text></g></svg>'
)


class Badge(NamedTuple):
    """What a badge says, and in which colour (white on it has a contrast of at least 4.5)."""

    message: str
    color: str


_LIT = Badge("lit", "#c2410c")
_NOT_LIT = Badge("not lit", "#475569")
_STALE = Badge("stale", "#a16207")
_UNKNOWN = Badge("unknown", "#6b7280")
_NO_DATA = Badge("no data", "#6b7280")


@router.head("/badge.svg", include_in_schema=False)
@router.get(
    "/badge.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}, "description": "The badge"}},
)
async def svg(request: Request, resources: ResourcesDep, responder: ResponderDep) -> Response:
    """Draw the verdict: `lit`, `not lit`, `stale`, `unknown` or `no data`."""
    badge, answer = await _badge(resources)
    return _response(request, responder, answer, _draw(badge), "image/svg+xml")


@router.head("/badge.json", include_in_schema=False)
@router.get("/badge.json", response_model=ShieldsSchema)
async def shields(request: Request, resources: ResourcesDep, responder: ResponderDep) -> Response:
    """Give the verdict in the form that shields.io takes for an endpoint badge."""
    badge, answer = await _badge(resources)
    document = {
        "schemaVersion": 1,
        "label": "bitcoin",
        "message": badge.message,
        "color": badge.color,
    }
    return _response(request, responder, answer, json.dumps(document), "application/json")


async def _badge(resources: Resources) -> tuple[Badge, Answer | None]:
    """Return the badge, and the answer that it rests on; an image has no other way to fail."""
    try:
        answer = await resources.cache.get()
    except IsBitcoinLitError:
        return _NO_DATA, None
    return _judge(answer.snapshot), answer


def _judge(snapshot: Snapshot) -> Badge:
    if snapshot.stale:
        return _STALE
    return {Verdict.LIT: _LIT, Verdict.NOT_LIT: _NOT_LIT}.get(verdict(snapshot), _UNKNOWN)


def _response(
    request: Request, responder: SnapshotResponder, answer: Answer | None, text: str, kind: str
) -> Response:
    if answer is None:
        headers = {"cache-control": f"public, max-age={_NO_DATA_SECONDS}"}
        return Response(text, headers=headers, media_type=kind)
    return http(responder.represent(answer, text.encode(), kind, conditions(request)))


def _draw(badge: Badge) -> str:
    label, message = (len(text) * _CHARACTER for text in ("bitcoin", badge.message))
    left, right = label + _PADDING, message + _PADDING
    return _SVG.substitute(
        message=badge.message,
        color=badge.color,
        width=f"{left + right:.1f}",
        left=f"{left:.1f}",
        right=f"{right:.1f}",
        label_at=f"{left / 2:.1f}",
        message_at=f"{left + right / 2:.1f}",
        label_length=f"{label:.1f}",
        message_length=f"{message:.1f}",
    )

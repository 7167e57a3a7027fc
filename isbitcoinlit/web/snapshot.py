"""`GET /is-bitcoin-lit`: the answer."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from isbitcoinlit.errors import NoData, StorageError
from isbitcoinlit.resources import Resources
from isbitcoinlit.snapshot.verdict import Verdict, reason, verdict
from isbitcoinlit.web.deps import ResourcesDep, ResponderDep
from isbitcoinlit.web.negotiation import prefers_text
from isbitcoinlit.web.problems import RETRY_SECONDS, responses
from isbitcoinlit.web.schemas import SnapshotSchema
from isbitcoinlit.web.snapshot_response import SnapshotResponder, conditions, http

PATH = "/is-bitcoin-lit"

router = APIRouter(tags=["snapshot"])

_WORDS = {Verdict.LIT: "yes", Verdict.NOT_LIT: "no", Verdict.UNKNOWN: "unknown"}
_TEXT = "text/plain; charset=utf-8"


class Form(StrEnum):
    """How the answer is written."""

    JSON = "json"
    TEXT = "text"


@router.head(PATH, include_in_schema=False)
@router.get(
    PATH,
    response_model=SnapshotSchema,
    response_model_exclude_unset=True,
    responses={304: {"description": "Not modified (`If-None-Match`)"}, **responses(422, 503)},
)
async def is_bitcoin_lit(
    request: Request,
    resources: ResourcesDep,
    responder: ResponderDep,
    form: Annotated[Form | None, Query(alias="format", description="Overrides `Accept`.")] = None,
    *,
    explain: Annotated[bool, Query(description="Say why, in `explanation` (JSON only).")] = False,
) -> Response:
    """Say whether Bitcoin is lit: the last three hours of price and mood.

    Cached for two minutes and primed by every refresh. `X-Cache` says where the answer came from:
    `memory`, `redis`, `computed`, or `stale` when Redis is away and this is the last one known.

    `?format=text` (or `Accept: text/plain`) is `yes`, `no` or `unknown`, a space and the reason in
    one line of fewer than 100 bytes.
    """
    accept = ", ".join(request.headers.getlist("accept")).encode("latin-1")
    if form is Form.TEXT or (form is None and prefers_text(accept)):
        return await _text(request, resources, responder)
    answer = await resources.cache.get()
    resources.traffic.meters.cache_answers[answer.source] += 1
    if explain:
        return http(responder.explain(answer, conditions(request)))
    return http(responder.respond(answer, conditions(request)))


async def _text(request: Request, resources: Resources, responder: SnapshotResponder) -> Response:
    """Answer in one line, also when there is nothing to say."""
    try:
        answer = await resources.cache.get()
    except (NoData, StorageError) as error:
        nothing = isinstance(error, NoData)
        why = "there is no reading to go by" if nothing else "the data cannot be reached just now"
        headers = {"retry-after": str(RETRY_SECONDS), "vary": "Accept", "cache-control": "no-store"}
        return Response(f"unknown {why}\n", 503, headers, _TEXT)
    resources.traffic.meters.cache_answers[answer.source] += 1
    snapshot = answer.snapshot
    demo = " (demo)" if snapshot.feed == "demo" else ""
    line = f"{_WORDS[verdict(snapshot)]} {reason(snapshot)}{demo}\n"
    return http(responder.represent(answer, line.encode(), _TEXT, conditions(request)))

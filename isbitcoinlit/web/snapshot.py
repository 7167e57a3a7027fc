"""`GET /is-bitcoin-lit`: the answer."""

from fastapi import APIRouter, Request, Response

from isbitcoinlit.web.deps import ResourcesDep, ResponderDep
from isbitcoinlit.web.problems import responses
from isbitcoinlit.web.schemas import SnapshotSchema

PATH = "/is-bitcoin-lit"

router = APIRouter(tags=["snapshot"])


@router.head(PATH, include_in_schema=False)
@router.get(
    PATH,
    response_model=SnapshotSchema,
    responses={304: {"description": "Not modified (`If-None-Match`)"}, **responses(503)},
)
async def is_bitcoin_lit(
    request: Request, resources: ResourcesDep, responder: ResponderDep
) -> Response:
    """Say whether Bitcoin is lit: the last three hours of price and mood.

    Cached for two minutes and primed by every refresh. `X-Cache` says where the answer came from:
    `memory`, `redis`, `computed`, or `stale` when Redis is away and this is the last one known.
    """
    conditions = ",".join(request.headers.getlist("if-none-match")).encode("latin-1")
    found = await resources.cache.get()
    resources.traffic.meters.cache_answers[found.source] += 1
    answer = responder.respond(found, conditions or None)
    response = Response(answer.body, answer.status)
    response.raw_headers = answer.headers
    return response

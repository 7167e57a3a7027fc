"""`GET /api/v1/stream`: events, pushed."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from isbitcoinlit.events.event import EventKind, is_id
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.problems import ProblemError, responses
from isbitcoinlit.web.stream_response import EventStream

router = APIRouter(prefix="/api/v1", tags=["push"])

_CHOICES = (EventKind.SNAPSHOT, EventKind.READING, EventKind.STATUS)
_EXAMPLE = """retry: 2291

event: snapshot
id: 1625770711200-0
data: {"is_bitcoin_lit":true,"hourly_average_of_averages":[…],"as_of":"2021-07-08T19:58:31.200000…"}

event: reading
id: 1625770741204-0
data: {"time":"2021-07-08T19:59:01.200000+00:00","price":33040.12,"sentiment":0.27,"feed":"demo"}

"""
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A stream of server-sent events",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


@router.get(
    "/stream",
    response_class=Response,
    response_model=None,
    responses={**_STREAM, **responses(422, 429, 503)},
)
async def stream(
    request: Request,
    resources: ResourcesDep,
    events: Annotated[
        str, Query(description="Which events, separated by commas.")
    ] = "snapshot,reading,status",
    last_event_id: Annotated[
        str | None, Header(description="The last event seen; what came after it is sent first.")
    ] = None,
) -> EventStream:
    """Send the current snapshot at once, and then each event within a second.

    `snapshot` is the JSON of `/is-bitcoin-lit`, `reading` each stored reading, `status` a change of
    a feed's state or of freshness. `resync` says that events are missing between the last one and
    the next: fetch what you keep a copy of anew. `ping` tells nothing but the id to come back with.
    A stream ends after ten minutes; browsers come back by themselves, and get what they missed.
    """
    # What is no id of ours was not seen here, which is what the resync then says.
    seen = last_event_id if last_event_id is None or is_id(last_event_id) else "0-0"
    kinds = frozenset(_kind(name.strip()) for name in events.split(","))
    return EventStream(
        request.app.state.streams, resources.hub, resources.cache, kinds, last_seen=seen
    )


def _kind(name: str) -> EventKind:
    if name not in _CHOICES:
        raise ProblemError(
            422, "invalid-request", f"events: {name!r} should be one of {', '.join(_CHOICES)}"
        )
    return EventKind(name)

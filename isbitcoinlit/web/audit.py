"""`GET /api/v1/audit`: what operators did."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.guard import logged_in
from isbitcoinlit.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["operators"])

_ID = r"^[0-9]{1,19}-[0-9]{1,19}$"


class AuditEventSchema(BaseModel):
    """One thing that somebody did."""

    id: str
    time: datetime
    who: str = Field(description="An operator, `static-token`, `loopback`, or `?` for no name.")
    what: str = Field(examples=["login"])
    address: str = Field(description="Where from.")
    result: str = Field(examples=["ok"])


class AuditSchema(BaseModel):
    """Some of the events, newest first."""

    events: list[AuditEventSchema]
    before: str | None = Field(description="What to ask for the events before these with.")


@router.get(
    "/audit",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(logged_in)],
)
async def audit(
    resources: ResourcesDep,
    response: Response,
    count: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[str | None, Query(pattern=_ID)] = None,
) -> AuditSchema:
    """Say what operators did, newest first; the last 10,000 events are kept."""
    response.headers["cache-control"] = "no-store"
    events = await resources.operators.audit.read(count, before)
    told = [
        AuditEventSchema(
            id=event.id,
            time=event.time,
            who=event.who,
            what=event.what,
            address=event.address,
            result=event.result,
        )
        for event in events
    ]
    return AuditSchema(events=told, before=told[-1].id if len(told) == count else None)

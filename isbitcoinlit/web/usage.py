"""`GET /api/v1/usage`: who asks how often."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from isbitcoinlit.limits.policy import Group
from isbitcoinlit.limits.pseudonyms import OPERATOR
from isbitcoinlit.usage.ledger import PERIODS, ClientUsage, Usage
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.guard import logged_in
from isbitcoinlit.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["operators"])

_SHOWN = 8
"""Digits of a client's pseudonym that are shown: enough to tell it from the others."""


class CountsSchema(BaseModel):
    """Answers, and what became of them."""

    requests: int
    not_modified: int = Field(description="Answers without a body (304).")
    not_modified_share: float = Field(description="Of all answers, between 0 and 1.")
    too_many: int = Field(description="Requests refused by a limit (429).")
    failed: int = Field(description="Answers that were our failure (500 and above).")


class ClientSchema(BaseModel):
    """What one client asked for."""

    client: str = Field(description="The beginning of a keyed hash of the address, or an operator.")
    requests: int
    groups: dict[Group, int]


class UsageSchema(BaseModel):
    """What was asked of the service in a period."""

    period: Literal["hour", "day"]
    seconds: int = Field(description="How far back the period reaches at most.")
    total: CountsSchema
    groups: dict[Group, CountsSchema]
    top: list[ClientSchema] = Field(description="The clients that asked most, first one first.")


@router.get(
    "/usage",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(logged_in)],
)
async def usage(
    resources: ResourcesDep,
    response: Response,
    period: Literal["hour", "day"] = "hour",
    top: Annotated[int, Query(ge=1, le=100)] = 20,
) -> UsageSchema:
    """Say who asked how often; a request shows up here within ten seconds."""
    response.headers["cache-control"] = "no-store"
    return _told(await resources.traffic.ledger.read(PERIODS[period], top))


def _told(usage: Usage) -> UsageSchema:
    together: dict[int, int] = {}
    for statuses in usage.statuses.values():
        for status, n in statuses.items():
            together[status] = together.get(status, 0) + n
    return UsageSchema(
        period="day" if usage.period.name == "day" else "hour",
        seconds=usage.period.bucket_seconds * usage.period.buckets,
        total=_counts(together),
        groups={group: _counts(statuses) for group, statuses in sorted(usage.statuses.items())},
        top=[_client(client) for client in usage.top],
    )


def _counts(statuses: dict[int, int]) -> CountsSchema:
    requests, not_modified = sum(statuses.values()), statuses.get(HTTPStatus.NOT_MODIFIED, 0)
    return CountsSchema(
        requests=requests,
        not_modified=not_modified,
        not_modified_share=round(not_modified / requests, 4) if requests else 0.0,
        too_many=statuses.get(HTTPStatus.TOO_MANY_REQUESTS, 0),
        failed=sum(
            n for status, n in statuses.items() if status >= HTTPStatus.INTERNAL_SERVER_ERROR
        ),
    )


def _client(usage: ClientUsage) -> ClientSchema:
    name = usage.client if usage.client.startswith(OPERATOR) else usage.client[:_SHOWN]
    return ClientSchema(client=name, requests=usage.requests, groups=usage.groups)

"""Every failure as `application/problem+json` (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from isbitcoinlit.errors import (
    FeedError,
    FeedInvalid,
    InsufficientData,
    IsBitcoinLitError,
    LoginThrottled,
    NoData,
    ParameterInvalid,
    QueryError,
    RefreshBusy,
    SeriesUnusable,
    StorageError,
    TimeSeriesMissing,
    TooManyPoints,
)

MEDIA_TYPE = "application/problem+json"
_IN_PATHS = "/:@!$&'()*+,;=-._~"
"""What a path may hold as it is (RFC 3986)."""
_TYPE = "urn:isbitcoinlit:problem:"
RETRY_SECONDS = 5
"""What a client is told to wait when we do not know better."""

_KNOWN: Mapping[type[IsBitcoinLitError], tuple[int, str]] = {
    FeedInvalid: (502, "feed-invalid"),
    FeedError: (502, "feed-unavailable"),
    LoginThrottled: (429, "too-many-failed-logins"),
    NoData: (503, "no-data"),
    RefreshBusy: (503, "refresh-busy"),
    TimeSeriesMissing: (503, "time-series-missing"),
    SeriesUnusable: (503, "series-unusable"),
    StorageError: (503, "redis-unavailable"),
}
"""Status and name for what can happen to any route; a class stands before its parent."""

_QUERY_ERRORS: Mapping[type[QueryError], str] = {
    ParameterInvalid: "invalid-request",
    TooManyPoints: "too-many-points",
    InsufficientData: "insufficient-data",
}
"""Names for questions that cannot be answered as they were asked."""


class Problem(BaseModel):
    """What went wrong, in one form for every error."""

    type: str = Field(description="Which problem, as a URN.", examples=[f"{_TYPE}no-data"])
    title: str = Field(description="The problem in a few words.", examples=["No data yet"])
    status: int = Field(description="The HTTP status.", examples=[503])
    detail: str = Field(
        description="What happened this time.",
        examples=["The feed senticrypt has not given a reading yet."],
    )
    instance: str = Field(description="The path asked for.", examples=["/is-bitcoin-lit"])
    request_id: str = Field(description="The `X-Request-ID` of the answer; logs have it too.")


class ProblemError(Exception):
    """Raised by a route to answer with a problem."""

    def __init__(
        self, status: int, name: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.headers = headers


def problem_response(  # the parts of a problem, in the order in which they are served
    request: Request,
    status: int,
    name: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """Build the answer for a problem."""
    body = {
        "type": _TYPE + name,
        "title": name.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": quote(request.scope["path"], safe=_IN_PATHS),
        "request_id": request.state.request_id,
        **more,
    }
    return Response(json.dumps(body), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(QueryError, _on_query_error)
    for kind in _KNOWN:
        app.add_exception_handler(kind, _on_our_error)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe error answers for the API documentation."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(request, error.status, error.name, str(error), error.headers)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    name = status.phrase.lower().replace(" ", "-")
    details = {
        HTTPStatus.NOT_FOUND: f"There is nothing at {request.url.path}; /docs lists what there is.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} cannot be used on {request.url.path}.",
    }
    return problem_response(
        request, status, name, details.get(status, str(error.detail)), error.headers
    )


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = [
        {"parameter": ".".join(map(str, e["loc"][1:])) or e["loc"][0], "reason": e["msg"]}
        for e in error.errors()
    ]
    detail = "; ".join(f"{w['parameter']}: {w['reason']}" for w in wrong)
    return problem_response(request, 422, "invalid-request", detail, errors=wrong)


async def _on_query_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, QueryError)
    name = _QUERY_ERRORS[type(error)]
    return problem_response(request, 422, name, str(error), None, **error.facts)


async def _on_our_error(request: Request, error: Exception) -> Response:
    """Answer for what can happen to anybody, whichever route met it."""
    status, name = next(known for kind, known in _KNOWN.items() if isinstance(error, kind))
    wait = getattr(error, "retry_after", None) or RETRY_SECONDS
    return problem_response(request, status, name, str(error), {"Retry-After": str(ceil(wait))})

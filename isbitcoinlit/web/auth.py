"""`/api/v1/auth/…`: logging in, staying logged in, logging out."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from isbitcoinlit.errors import LoginFailed, TokenRefused
from isbitcoinlit.operators.desk import Operator, TokenPair
from isbitcoinlit.operators.sessions import Session
from isbitcoinlit.operators.tokens import ACCESS_SECONDS, REFRESH_SECONDS, Claims
from isbitcoinlit.web import credentials
from isbitcoinlit.web.credentials import LoginBody, RefreshBody
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.guard import OperatorDep
from isbitcoinlit.web.problems import ProblemError, responses

router = APIRouter(prefix="/api/v1/auth", tags=["operators"])

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class TokenSchema(BaseModel):
    """What a login gives."""

    access_token: str = Field(description="To be sent as `Authorization: Bearer`.")
    token_type: str = Field(examples=["bearer"])
    expires_in: int = Field(description="Seconds that the access token is good for.")
    refresh_token: str = Field(description="Good for one call of `/api/v1/auth/refresh`.")
    refresh_expires_in: int = Field(description="Seconds that the refresh token is good for.")


class SessionSchema(BaseModel):
    """One login of an operator."""

    id: str
    since: datetime
    seen: datetime = Field(description="When it was last refreshed.")
    address: str = Field(description="Where the login came from.")
    current: bool = Field(description="Whether this request belongs to it.")


class WhoSchema(BaseModel):
    """Who is asking, and where they are logged in."""

    operator: str
    sessions: list[SessionSchema]


@router.post(
    "/login",
    response_model=TokenSchema,
    responses=responses(400, 401, 413, 422, 503),
    openapi_extra=credentials.documented(LoginBody),
)
async def login(request: Request, resources: ResourcesDep) -> JSONResponse:
    """Give an access token and a refresh token for a name and a password."""
    body = await credentials.read(request, LoginBody)
    try:
        pair = await resources.operators.login(body.username, body.password, request.state.client)
    except LoginFailed as error:
        raise ProblemError(401, "login-failed", str(error), _CHALLENGE) from None
    return _answer(pair)


@router.post(
    "/refresh",
    response_model=TokenSchema,
    responses=responses(400, 401, 413, 422, 503),
    openapi_extra=credentials.documented(RefreshBody),
)
async def refresh(request: Request, resources: ResourcesDep) -> JSONResponse:
    """Give new tokens for a refresh token, which is used up.

    One that comes a second time ends its session: somebody else has a copy of it.
    """
    body = await credentials.read(request, RefreshBody)
    try:
        pair = await resources.operators.refresh(body.refresh_token, request.state.client)
    except TokenRefused as error:
        raise ProblemError(401, "refresh-token-wrong", str(error), _CHALLENGE) from None
    return _answer(pair)


@router.post("/logout", status_code=204, responses=responses(401, 403, 503))
async def logout(request: Request, resources: ResourcesDep, operator: OperatorDep) -> Response:
    """End the session: neither of its tokens is good for anything from now on."""
    await resources.operators.logout(_claims(operator), request.state.client)
    return Response(status_code=204)


@router.get("/session", responses=responses(401, 403, 503))
async def show_session(
    resources: ResourcesDep, operator: OperatorDep, response: Response
) -> WhoSchema:
    """Say who is logged in, since when and from where, and where else."""
    response.headers["cache-control"] = "no-store"
    sessions = await resources.operators.sessions.of(operator.name)
    current = operator.claims.session if operator.claims else None
    return WhoSchema(operator=operator.name, sessions=[_told(s, current) for s in sessions])


@router.delete("/sessions/{id}", status_code=204, responses=responses(401, 403, 404, 422, 503))
async def end_session(
    session: Annotated[str, Path(alias="id", pattern="^[0-9a-f]{32}$")],
    request: Request,
    resources: ResourcesDep,
    operator: OperatorDep,
) -> Response:
    """End one of the operator's own sessions."""
    operators = resources.operators
    if not await operators.sessions.end(operator.name, session):
        raise ProblemError(404, "no-such-session", "You have no session of that id.")
    await operators.audit.note(operator.name, "end-session", request.state.client)
    return Response(status_code=204)


def _claims(operator: Operator) -> Claims:
    if operator.claims is None:
        raise ProblemError(403, "no-session", "The token from the settings has no session.")
    return operator.claims


def _told(session: Session, current: str | None) -> SessionSchema:
    return SessionSchema(
        id=session.id,
        since=session.since,
        seen=session.seen,
        address=session.address,
        current=session.id == current,
    )


def _answer(pair: TokenPair) -> JSONResponse:
    content = {
        "access_token": pair.access,
        "token_type": "bearer",
        "expires_in": ACCESS_SECONDS,
        "refresh_token": pair.refresh,
        "refresh_expires_in": REFRESH_SECONDS,
    }
    return JSONResponse(content, headers={"Cache-Control": "no-store"})

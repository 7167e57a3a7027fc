"""Reads what a caller logs in with: JSON, or the form that OAuth2 prescribes."""

import json
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect

from isbitcoinlit.web.problems import ProblemError

Body = TypeVar("Body", bound=BaseModel)

_LONGEST = 8_192
"""Bytes; a name and a password, or one token, are far less."""


class LoginBody(BaseModel):
    """A name and a password."""

    model_config = ConfigDict(extra="ignore")

    username: str = Field(min_length=1, max_length=256)
    password: str = Field(min_length=1, max_length=1_024)


class RefreshBody(BaseModel):
    """A refresh token that has not been used."""

    model_config = ConfigDict(extra="ignore")

    refresh_token: str = Field(min_length=1, max_length=4_096)


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that `read` reads, for the API documentation."""
    schema = {"schema": model.model_json_schema()}
    content = {"application/json": schema, "application/x-www-form-urlencoded": schema}
    return {"requestBody": {"required": True, "content": content}}


async def read(request: Request, model: type[Body]) -> Body:
    """Read the body; raises a problem, which does not repeat what was sent."""
    raw = await _bytes(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return model.model_validate(dict(parse_qsl(raw.decode(), keep_blank_values=True)))
        return model.model_validate(json.loads(raw))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ProblemError(422, "invalid-request", wrong) from None
    except (ValueError, RecursionError):
        raise ProblemError(422, "invalid-request", "The body is neither JSON nor a form.") from None


async def _bytes(request: Request) -> bytes:
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST:
                raise ProblemError(413, "body-too-large", f"At most {_LONGEST} bytes, please.")
    except ClientDisconnect:
        raise ProblemError(400, "body-incomplete", "The body ended too early.") from None
    return body

"""Who may do what operators do."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from isbitcoinlit.errors import OperatorError, StorageError
from isbitcoinlit.operators.desk import Operator
from isbitcoinlit.settings import Settings
from isbitcoinlit.web.deps import ResourcesDep, SettingsDep
from isbitcoinlit.web.metering import Bearer
from isbitcoinlit.web.problems import ProblemError

LOCAL = "loopback"
"""Who did it, where the caller was let in for sitting at this machine."""

_FORWARDING_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_OWN_PAGES = (None, "same-origin", "none")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}

_documented = Depends(OAuth2PasswordBearer("/api/v1/auth/login", auto_error=False))
"""Puts the lock and "Authorize" into the API documentation; the checking is done here."""


async def logged_in(request: Request, _: Annotated[str | None, _documented]) -> Operator:
    """Let operators pass who send a token; raises what `_sender` does, or 401."""
    operator = _sender(request)
    if operator is None:
        raise ProblemError(
            401,
            "operator-required",
            "This is for operators: log in at /api/v1/auth/login, and send "
            "`Authorization: Bearer` with the access token.",
            _CHALLENGE,
        )
    return operator


OperatorDep = Annotated[Operator, Depends(logged_in)]


async def require_operator(
    request: Request,
    settings: SettingsDep,
    resources: ResourcesDep,
    documented: Annotated[str | None, _documented],
) -> str:
    """Let operators pass, and while there are none, whoever sits at this machine; return who it is.

    Raises what `_sender` does, 401 or 403 `operator-required`, or `RedisUnavailable`.
    """
    operator = _sender(request)
    if operator is None and await resources.operators.accounts.exist():
        operator = await logged_in(request, documented)
    if operator is not None:
        return operator.name
    if from_this_machine(request, settings):
        return LOCAL
    raise ProblemError(
        403,
        "operator-required",
        "This is for operators, and there is none yet: add one with `isbitcoinlit operator add "
        "NAME` on the server, or set ISBITCOINLIT_OPERATOR_TOKEN there and send it as "
        "`Authorization: Bearer`.",
    )


def _sender(request: Request) -> Operator | None:
    """Return the operator whose token came with the request; None where there was no token.

    Raises a problem: 403 `cross-origin` or 401 `operator-token-wrong`; or `RedisUnavailable`.
    """
    if _from_another_page(request):
        raise ProblemError(403, "cross-origin", "Pages of other origins may not do this.")
    bearer: Bearer = request.state.bearer
    if isinstance(bearer, StorageError):
        raise bearer
    if isinstance(bearer, OperatorError):
        raise ProblemError(401, "operator-token-wrong", str(bearer), _CHALLENGE)
    return bearer


def _from_another_page(request: Request) -> bool:
    """Tell whether a browser sent this on behalf of a page that is not ours."""
    if request.headers.get("sec-fetch-site") not in _OWN_PAGES:
        return True
    origin = request.headers.get("origin")
    return origin is not None and _authority(origin) != request.headers.get("host")


def from_this_machine(request: Request, settings: Settings) -> bool:
    """Tell whether the service listens on loopback and was called from there, with no proxy.

    The name in `Host` is checked too: a foreign page whose name resolves to 127.0.0.1 is its own
    origin to the browser, but it cannot call itself `localhost`.
    """
    name = _host_name(request.headers.get("host", ""))
    peer = request.client.host if request.client else None
    proxied = any(header in request.headers for header in _FORWARDING_HEADERS)
    return all(map(_is_loopback, (settings.host, peer, name))) and not proxied


def _authority(origin: str) -> str | None:
    """Return host and port of an origin, or None if it has none that can be read."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _host_name(authority: str) -> str | None:
    try:
        return urlsplit(f"//{authority}").hostname
    except ValueError:
        return None


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False

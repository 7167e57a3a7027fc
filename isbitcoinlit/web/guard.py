"""Who may do what operators do."""

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request

from isbitcoinlit.settings import Settings
from isbitcoinlit.web.deps import SettingsDep
from isbitcoinlit.web.problems import ProblemError

_FORWARDING_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_OWN_PAGES = (None, "same-origin", "none")


async def require_operator(request: Request, settings: SettingsDep) -> None:
    """Let operators pass: whoever has the token, or whoever sits at this machine.

    Raises a problem: 403 `cross-origin`, 401 `operator-token-wrong` or 403 `operator-required`.
    """
    if _from_another_page(request):
        raise ProblemError(403, "cross-origin", "Pages of other origins may not do this.")
    token = settings.operator_token
    sent = _bearer_token(request)
    if token and sent is not None:
        if hmac.compare_digest(sent.encode(), token.get_secret_value().encode()):
            return
        raise ProblemError(
            401,
            "operator-token-wrong",
            "The bearer token is not the operator's.",
            {"WWW-Authenticate": "Bearer"},
        )
    if not _from_this_machine(request, settings):
        raise ProblemError(
            403,
            "operator-required",
            "Send `Authorization: Bearer` with the value of ISBITCOINLIT_OPERATOR_TOKEN, which has "
            "to be set on the server.",
        )


def _from_another_page(request: Request) -> bool:
    """Tell whether a browser sent this on behalf of a page that is not ours."""
    if request.headers.get("sec-fetch-site") not in _OWN_PAGES:
        return True
    origin = request.headers.get("origin")
    return origin is not None and _authority(origin) != request.headers.get("host")


def _from_this_machine(request: Request, settings: Settings) -> bool:
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


def _bearer_token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None

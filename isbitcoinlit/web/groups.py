"""Which group of routes a path belongs to."""

from isbitcoinlit.limits.policy import Group

_EXACT = {
    "/is-bitcoin-lit": Group.SNAPSHOT,
    "/badge.svg": Group.SNAPSHOT,
    "/badge.json": Group.SNAPSHOT,
    "/refresh": Group.REFRESH,
    "/metrics": Group.HEALTH,
    "/api/v1/auth/login": Group.LOGIN,
    "/api/v1/auth/refresh": Group.LOGIN,
}
_BELOW = (
    ("/health", Group.HEALTH),
    ("/api/v1/stream", Group.STREAMS),
    ("/api/v1/series", Group.HISTORY),
    ("/api/v1/candles", Group.HISTORY),
    ("/api/v1/readings", Group.HISTORY),
    ("/api/v1/summary", Group.HISTORY),
    ("/api/v1/correlation", Group.HISTORY),
    ("/v1/", Group.HISTORY),
)


def group_of(path: str) -> Group:
    """Return the group whose budget a request for this path uses."""
    exact = _EXACT.get(path)
    if exact is not None:
        return exact
    return next((group for start, group in _BELOW if path.startswith(start)), Group.OTHER)

"""Every request counted, timed and held to its limit."""

from collections.abc import Awaitable, Callable
from math import ceil

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isbitcoinlit.errors import OperatorError, StorageError
from isbitcoinlit.limits.policy import Group
from isbitcoinlit.limits.pseudonyms import OPERATOR
from isbitcoinlit.limits.window import GroupLimiter, Window
from isbitcoinlit.operators.desk import Operator
from isbitcoinlit.resources import Resources
from isbitcoinlit.traffic import Traffic
from isbitcoinlit.web.envelope import Envelope
from isbitcoinlit.web.groups import group_of
from isbitcoinlit.web.problems import problem_response
from isbitcoinlit.web.snapshot_response import Headers

Verdict = tuple[GroupLimiter, int, Window]
"""Which limit was looked at, how many more requests may come at once (-1: not even this one), and
the window they are counted in."""

Bearer = Operator | OperatorError | StorageError | None
"""Who sent a bearer token, or why that cannot be said; None where there is no token."""


def rate_headers(limiter: GroupLimiter) -> Headers:
    """Tell what is true for every client of a group: its limit, and when the window ends."""
    return [
        (b"x-ratelimit-limit", b"%d" % limiter.rate.count),
        (b"x-ratelimit-reset", b"%d" % ceil(limiter.left())),
    ]


class Metering:
    """The outermost layer of the app: what it refuses never reaches a route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._refuse = Envelope(_refuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        resources: Resources = scope["app"].state.resources
        state = scope.setdefault("state", {})
        now = resources.clock.monotonic()
        state["client"] = client_of(resources.traffic, scope, _forwarded(scope))
        state["bearer"] = await _identify(resources, scope)
        # The hot path has counted what it leaves to the framework.
        verdict: Verdict = state.pop("verdict", None) or _take(resources.traffic, scope, now)
        limiter, remaining, window = verdict
        state["wait"] = limiter.wait(window, now) if remaining < 0 else 0
        left = (b"x-ratelimit-remaining", b"%d" % max(0, remaining))
        counted = _counted(resources, scope, send, [*rate_headers(limiter), left], now)
        await (self._app if remaining >= 0 else self._refuse)(scope, receive, counted)


def _take(traffic: Traffic, scope: Scope, now: float) -> Verdict:
    """Count the request, for its group of routes or for the operator who sent it."""
    group, state = group_of(scope["path"]), scope["state"]
    client, bearer = state["client"], state["bearer"]
    if isinstance(bearer, Operator) and group is not Group.LOGIN:
        group, client = Group.OPERATOR, OPERATOR + bearer.name
    limiter = traffic.limiters[group]
    return (limiter, *limiter.take(client, now))


def client_of(traffic: Traffic, scope: Scope, forwarded: bytes | None) -> str:
    """Return the word for whoever sent a request."""
    peer = scope["client"]
    return traffic.addresses.client(peer[0] if peer else None, forwarded)


def _forwarded(scope: Scope) -> bytes | None:
    lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return b",".join(lines) if lines else None


async def _identify(resources: Resources, scope: Scope) -> Bearer:
    """Find out who sent a bearer token; what prevents that is for the route to tell."""
    authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return await resources.operators.identify(token.strip())
    except (OperatorError, StorageError) as error:
        return error


def _counted(
    resources: Resources, scope: Scope, send: Send, headers: Headers, began: float
) -> Callable[[Message], Awaitable[None]]:
    """Note the answer when it begins: how long a stream then goes on is the client's affair."""
    meter = resources.traffic.meters.groups[group_of(scope["path"])]

    async def counted(message: Message) -> None:
        if message["type"] == "http.response.start":
            meter.record(message["status"], resources.clock.monotonic() - began)
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return counted


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    wait = scope["state"]["wait"]
    response = problem_response(
        Request(scope, receive),
        429,
        "too-many-requests",
        f"This is more than one client may ask for; there is room again in {wait} s.",
        {"Retry-After": str(wait), "Cache-Control": "no-store"},
    )
    await response(scope, receive, send)

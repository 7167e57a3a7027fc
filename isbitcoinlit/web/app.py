"""Builds the app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from redis.asyncio import Redis
from starlette.middleware import Middleware
from starlette.types import Receive, Scope, Send

from isbitcoinlit import __version__
from isbitcoinlit.background import background_work
from isbitcoinlit.clock import Clock
from isbitcoinlit.feeds.base import Feed
from isbitcoinlit.limits.policy import Group
from isbitcoinlit.resources import open_resources
from isbitcoinlit.settings import Settings, load_settings
from isbitcoinlit.web import (
    audit,
    auth,
    badge,
    correlation,
    feeds,
    health,
    history,
    live,
    metrics,
    page,
    problems,
    refresh,
    senticrypt,
    snapshot,
    stream,
    summary,
    usage,
)
from isbitcoinlit.web.assets import Assets
from isbitcoinlit.web.envelope import Envelope
from isbitcoinlit.web.hot_path import HotPath
from isbitcoinlit.web.metering import Metering
from isbitcoinlit.web.snapshot_response import SnapshotResponder
from isbitcoinlit.web.streams import OpenStreams

_DESCRIPTION = """
The price of Bitcoin and the mood about it.

Poll `/is-bitcoin-lit`: answers carry `ETag` and `Cache-Control`, and cost next to nothing. Times
are ISO 8601 in UTC, missing values are `null`, and every error is an `application/problem+json`
document.

**Limits.** Each client may send {snapshot} polls, {history} requests for history, {streams} for
streams, {refresh} for refreshes, {login} logins, {health} for health and {other} others. Every
answer says how you stand: `X-RateLimit-Limit` requests a window, of which `X-RateLimit-Remaining`
may come at once, and the window ends in `X-RateLimit-Reset` seconds. Beyond that the answer is a
429 problem, and `Retry-After` says in how many seconds there is room again. A client is an IPv4
address or an IPv6 /64 network.

**Operators** log in with *Authorize* or `POST /api/v1/auth/login`; the rest is open to everybody.
"""


class Service(FastAPI):
    """The app, with polls taken out before the framework's own work."""

    hot_path: HotPath | None = None

    def stop_streams(self) -> None:
        """End what would stay open, for a server that is about to wait for connections."""
        self.state.streams.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the app's life."""
        hot_path = self.hot_path
        if hot_path is None or scope["type"] != "http" or not await hot_path.answer(scope, send):
            state = scope["state"] = scope.get("state", {})
            await super().__call__({**scope}, receive, send)
            if stream := state.get("stream"):
                # It goes on without what the framework held for the request.
                del scope["state"], state
                await stream(send)


def create_app(
    settings: Settings | None = None,
    redis: Redis | None = None,
    feed: Feed | None = None,
    clock: Clock | None = None,
) -> Service:
    """Build the app; what is passed in is used and left open, the rest is opened and closed.

    Raises `SettingsError` if no settings are passed and the environment's are wrong.
    """
    settings = settings or load_settings()

    @asynccontextmanager
    async def lifespan(app: Service) -> AsyncIterator[None]:
        async with (
            open_resources(settings, redis=redis, feed=feed, clock=clock) as resources,
            background_work(resources),
        ):
            app.state.resources = resources
            app.state.streams = OpenStreams(settings, resources.traffic.meters.gauges)
            app.hot_path = HotPath(
                resources.memory,
                resources.cache,
                app.state.responder,
                resources.clock,
                resources.traffic,
            )
            yield

    app = Service(
        title="IsBitcoinLit",
        version=__version__,
        description=_description(settings),
        lifespan=lifespan,
        middleware=[Middleware(Metering), Middleware(Envelope)],
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,  # FastAPI's own would load its viewer from elsewhere; see page.py.
        redoc_url=None,
        redirect_slashes=False,  # One address each; behind a proxy the redirect would name another.
    )
    app.state.assets = Assets()
    app.state.settings = settings
    app.state.responder = SnapshotResponder(settings)
    routes = (
        snapshot,
        live,
        history,
        summary,
        correlation,
        senticrypt,
        stream,
        badge,
        refresh,
        health,
        feeds,
        page,
        auth,
        usage,
        audit,
        metrics,
    )
    for module in routes:
        app.include_router(module.router)
    problems.install(app)
    _describe_problems(app)
    return app


def _description(settings: Settings) -> str:
    """Say on the first screen of the documentation what is allowed here."""
    return _DESCRIPTION.format(**{group: getattr(settings, f"limit_{group}") for group in Group})


def _describe_problems(app: FastAPI) -> None:
    """Put the form of errors into the API documentation."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                license_info=app.license_info,
            )
            problem = problems.Problem.model_json_schema()
            schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = problem
            for operation in (o for path in schema["paths"].values() for o in path.values()):
                # Every route has its limit.
                operation["responses"].setdefault("429", problems.responses(429)[429])
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]

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
from isbitcoinlit.clock import Clock
from isbitcoinlit.feeds.base import Feed
from isbitcoinlit.resources import background_work, open_resources
from isbitcoinlit.settings import Settings, load_settings
from isbitcoinlit.web import feeds, health, index, live, problems, refresh, snapshot
from isbitcoinlit.web.envelope import Envelope
from isbitcoinlit.web.hot_path import HotPath
from isbitcoinlit.web.snapshot_response import SnapshotResponder

_DESCRIPTION = """
The price of Bitcoin and the mood about it.

Poll `/is-bitcoin-lit` as often as you like: answers carry `ETag` and `Cache-Control`, and cost
next to nothing. Times are ISO 8601 in UTC, missing values are `null`, and every error is an
`application/problem+json` document.
"""


class Service(FastAPI):
    """The app, with polls taken out before the framework's own work."""

    hot_path: HotPath | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the app's life."""
        hot_path = self.hot_path
        if hot_path is None or scope["type"] != "http" or not await hot_path.answer(scope, send):
            await super().__call__(scope, receive, send)


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
            app.hot_path = HotPath(
                resources.memory, resources.cache, app.state.responder, resources.clock
            )
            yield

    app = Service(
        title="IsBitcoinLit",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=[Middleware(Envelope)],
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    app.state.settings = settings
    app.state.responder = SnapshotResponder(settings)
    for module in (snapshot, live, refresh, health, feeds, index):
        app.include_router(module.router)
    problems.install(app)
    _describe_problems(app)
    return app


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
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]

"""An app behind a real server, and clients of its stream: what never ends needs real sockets."""

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn

from isbitcoinlit.server import Server
from isbitcoinlit.web.app import Service
from tests.polling import eventually

SECONDS = 5.0
"""How long a test waits for what should come at once."""


@asynccontextmanager
async def serving(app: Service) -> AsyncIterator[str]:
    """Open an app and serve it, as `isbitcoinlit serve` does, on a free port; give its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, proxy_headers=False, timeout_graceful_shutdown=1
    )
    server = Server(config, announce=False)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await eventually(lambda: server.started or task.done())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, SECONDS)
        listener.close()
        gc.unfreeze()


@dataclass
class Heard:
    """One block of a stream."""

    fields: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Which event it is."""
        return self.fields.get("event", "")

    @property
    def id(self) -> str:
        """Where a client goes on that has heard this."""
        return self.fields.get("id", "")

    @property
    def data(self) -> Any:
        """What it tells."""
        return json.loads(self.fields["data"])


class Stream:
    """A client's end of an open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def block(self) -> Heard:
        """Wait for the next block; StopAsyncIteration when the stream has ended."""
        heard = Heard()
        async with asyncio.timeout(SECONDS):
            while line := await anext(self._lines):
                name, _, value = line.partition(": ")
                heard.fields[name] = value
        return heard

    async def event(self) -> Heard:
        """Wait for the next event that tells something."""
        while (heard := await self.block()).kind in ("", "ping"):
            pass
        return heard

    async def events(self, count: int) -> list[Heard]:
        """Wait for so many events."""
        return [await self.event() for _ in range(count)]


@asynccontextmanager
async def stream(
    url: str, query: str = "", last_event_id: str | None = None
) -> AsyncIterator[Stream]:
    """Open a stream."""
    headers = {} if last_event_id is None else {"last-event-id": last_event_id}
    async with (
        httpx.AsyncClient(timeout=SECONDS) as client,
        client.stream("GET", f"{url}/api/v1/stream{query}", headers=headers) as response,
    ):
        yield Stream(response)

"""Many clients of a stream in one event loop, each of which notes when it hears of a snapshot."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_ASK = b"GET /api/v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n"
_NEWS = b"event: snapshot"
_AT_ONCE = 100
"""Connections that are being made at a time."""
WAIT_SECONDS = 60


class Listener(asyncio.Protocol):
    """One client."""

    def __init__(self, crowd: "Crowd") -> None:
        self._crowd = crowd
        self._answered = False
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._crowd.transports.append(transport)
        transport.write(_ASK)

    def data_received(self, data: bytes) -> None:
        """Note when a snapshot begins to arrive; the state at the start is only an answer."""
        self._crowd.news.set()
        if not self._answered:
            self._answered = b"event:" in data
            self._crowd.open += self._answered
            return
        heard = self._tail + data
        self._tail = heard[1 - len(_NEWS) :]
        if _NEWS in heard:
            self._crowd.heard.append(asyncio.get_running_loop().time())


class Crowd:
    """All clients together."""

    def __init__(self) -> None:
        self.transports: list[asyncio.WriteTransport] = []
        self.open = 0
        self.heard: list[float] = []
        self.news = asyncio.Event()

    async def join(self, url: str, count: int) -> None:
        """Open so many more streams; each of them has begun at the end."""
        parts, loop = urlsplit(url), asyncio.get_running_loop()
        assert parts.hostname
        assert parts.port
        for begun in range(0, count, _AT_ONCE):
            making = [
                loop.create_connection(lambda: Listener(self), parts.hostname, parts.port)
                for _ in range(min(_AT_ONCE, count - begun))
            ]
            await asyncio.gather(*making)
            await self._until(lambda: self.open == len(self.transports))

    async def all_hear(self) -> list[float]:
        """Wait until every client has heard of one more snapshot; return when they did."""
        await self._until(lambda: len(self.heard) >= len(self.transports))
        heard, self.heard = self.heard, []
        return sorted(heard)

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition():
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def crowd() -> AsyncIterator[Crowd]:
    """Clients that leave at the end."""
    everybody = Crowd()
    try:
        yield everybody
    finally:
        for transport in everybody.transports:
            transport.abort()

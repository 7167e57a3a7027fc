"""A proxy before Redis that counts how often a client waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit


class RoundTrips:
    """Counts requests that were sent after the reply to the one before."""

    def __init__(self, redis_url: str) -> None:
        self._path = urlsplit(redis_url).path
        self.count = 0

    @asynccontextmanager
    async def proxy(self) -> AsyncIterator[str]:
        """Pass everything through; give the address to use instead."""
        with TemporaryDirectory(prefix="bench-") as directory:
            path = Path(directory) / "proxy.sock"
            server = await asyncio.start_unix_server(self._serve, path)
            async with server:
                yield f"unix://{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        redis_reader, redis_writer = await asyncio.open_unix_connection(self._path)
        waiting = False

        async def requests() -> None:
            nonlocal waiting
            while data := await reader.read(1 << 16):
                self.count += not waiting
                waiting = True
                redis_writer.write(data)

        async def replies() -> None:
            nonlocal waiting
            while data := await redis_reader.read(1 << 16):
                waiting = False
                writer.write(data)

        tasks = [asyncio.create_task(requests()), asyncio.create_task(replies())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        redis_writer.close()
        writer.close()

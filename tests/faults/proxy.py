"""A line to Redis that may be slow, lead nowhere, or break in the middle of a reply."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

DELAY_SECONDS = 0.2


class Proxy:
    """Passes everything on, in whatever state it is told to be."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self.state = "ok"
        """ok, slow, cut, cut once or nowhere; may be changed at any time."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Proxy"]:
        """Listen until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            redis_reader, redis_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        both = [
            asyncio.create_task(self._commands(reader, redis_writer)),
            asyncio.create_task(self._replies(redis_reader, writer)),
        ]
        with suppress(asyncio.CancelledError):  # At the end; nobody is interested.
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        redis_writer.close()
        writer.close()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                while self.state == "nowhere":
                    await asyncio.sleep(DELAY_SECONDS)
                if self.state == "slow":
                    await asyncio.sleep(DELAY_SECONDS)
                if self.state in ("cut", "cut once"):
                    self.state = "cut" if self.state == "cut" else "ok"
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    _reset(writer)
                    return
                writer.write(data)
                await writer.drain()

    async def _commands(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                while self.state == "nowhere":
                    await asyncio.sleep(DELAY_SECONDS)
                writer.write(data)
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset and not in good order."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

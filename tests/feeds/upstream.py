"""Somebody else's server, played on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Answers one request, whose headers have been read."""


@asynccontextmanager
async def upstream(speak: Speak) -> AsyncIterator[str]:
    """The address of a server on a free port of loopback, which answers in the given way."""
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.ensure_future(_converse(reader, writer, speak))
        conversations.add(conversation)
        await asyncio.wait([conversation])

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1/bitcoin.json"
    finally:
        server.close()
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await server.wait_closed()


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, speak: Speak
) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        await speak(writer)
        writer.close()
        await writer.wait_closed()
    except (ConnectionError, asyncio.IncompleteReadError):
        """The client has left, as some tests want it to."""
    finally:
        writer.transport.abort()

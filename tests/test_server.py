"""The socket that the service listens on."""

import asyncio
import socket
import sys
from collections.abc import Callable

import pytest

from isbitcoinlit import server
from isbitcoinlit.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such option")
async def test_who_never_reads_is_given_up(
    settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection whose other end takes nothing for a minute ends, whatever is left to be sent."""
    assert server.UNREAD_SECONDS == 60
    monkeypatch.setattr(server, "UNREAD_SECONDS", 1)
    lost = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(1 << 25))
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            lost.set()

    with server.listen(settings(port=0)) as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        async with await asyncio.start_server(serve, sock=listener):
            client.connect(listener.getsockname())
            async with asyncio.timeout(20):
                await lost.wait()

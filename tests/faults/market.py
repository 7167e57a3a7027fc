"""Plays SentiCrypt with a new reading every second, and may be down, slow or lying."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from isbitcoinlit.clock import HOUR_MILLISECONDS

KEPT_SECONDS = 180
"""How long a reading stays in the feed; SentiCrypt's own does for a day."""
SLOW_SECONDS = 4.0


class Market:
    """A feed whose readings are known, so that those that are missing can be counted."""

    def __init__(self) -> None:
        self.state = "ok"
        """ok, down, slow or lying; may be changed at any time."""
        self.url = ""
        self.given: set[int] = set()
        """Times of all readings that an answer held, in milliseconds."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Market"]:
        """Serve until the block ends."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/bitcoin.json"
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Its cancellation at the end is of no interest to anybody, and said aloud if it is seen.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await reader.readuntil(b"\r\n\r\n"):
                status, body = await self._answer()
                writer.write(
                    b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                    % (status, len(body), body)
                )
                await writer.drain()
        writer.close()

    async def _answer(self) -> tuple[bytes, bytes]:
        if self.state == "down":
            return b"503 Service Unavailable", b""
        if self.state == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        second = int(time.time())
        rows = [_row(at) for at in range(second - KEPT_SECONDS, second + 1)]
        if self.state == "lying":
            return b"200 OK", json.dumps([_lie(row) for row in rows] + [7, None, []]).encode()
        self.given.update(row["timestamp"] * 1_000 for row in rows)
        return b"200 OK", json.dumps(rows).encode()


def _row(second: int) -> dict[str, Any]:
    wave = second % 600
    return {
        "timestamp": second,
        "mean": round((wave - 300) / 1_000, 3),
        "btc_price": f"{60_000 + wave / 10:.2f}",
    }


def _lie(row: dict[str, Any]) -> dict[str, Any]:
    """A row with nothing in it that may be stored."""
    ahead = row["timestamp"] + HOUR_MILLISECONDS
    return {"timestamp": ahead, "mean": float("nan"), "btc_price": "1,234.56"}

"""Clients of the stream, as browsers are: they come back where they were."""

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

SILENCE_SECONDS = 25.0
"""A stream pings every ten seconds; one that does not is dead."""


@dataclass
class Heard:
    """What one client heard, over all its connections."""

    times: list[float] = field(default_factory=list)
    """When there was an event, in monotonic seconds."""
    readings: list[tuple[float, str]] = field(default_factory=list)
    """When each reading was heard, and the time it is of."""
    resyncs: list[float] = field(default_factory=list)
    last_id: str = ""
    retry: float = 1.0


class Streams:
    """Many clients, spread over the processes."""

    def __init__(self, ports: list[int], clients: int) -> None:
        self._ports = ports
        self.heard = [Heard() for _ in range(clients)]

    async def run(self) -> None:
        """Listen until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number, heard in enumerate(self.heard):
                group.create_task(self._listen(number, heard))

    async def _listen(self, number: int, heard: Heard) -> None:
        for turn in count(number):
            port = self._ports[turn % len(self._ports)]
            with suppress(OSError, EOFError, TimeoutError):
                await self._connect(port, heard)
            await asyncio.sleep(heard.retry)

    async def _connect(self, port: int, heard: Heard) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            known = f"last-event-id: {heard.last_id}\r\n" if heard.last_id else ""
            writer.write(f"GET /api/v1/stream HTTP/1.1\r\nhost: lit\r\n{known}\r\n".encode())
            event = ""
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    line = (await reader.readline()).decode().rstrip("\r\n")
                if reader.at_eof() and not line:
                    return
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "id":
                    heard.last_id = value
                elif name == "retry":
                    heard.retry = int(value) / 1_000
                elif name == "data":
                    _note(heard, event, value)
        finally:
            writer.close()


def _note(heard: Heard, event: str, data: str) -> None:
    if event == "ping":
        return
    now = time.monotonic()
    heard.times.append(now)
    if event == "resync":
        heard.resyncs.append(now)
    elif event == "reading":
        heard.readings.append((now, json.loads(data)["time"]))

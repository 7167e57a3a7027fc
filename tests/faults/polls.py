"""Polls at a steady rate, as they come through a load balancer."""

import asyncio
import itertools
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

RATE = 200
"""A second."""
PATIENCE_SECONDS = 15.0
"""How long somebody waits for an answer before it counts as none."""
PATH = b"GET /is-bitcoin-lit HTTP/1.1\r\nhost: lit\r\n\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Poll:
    """What became of one."""

    began: float
    """Monotonic seconds."""
    seconds: float
    status: int
    """0 if there was no answer."""
    stale: bool = False


@dataclass
class Backend:
    """One process behind the balancer, and the idle connections to it."""

    port: int
    idle: deque[Connection] = field(default_factory=deque)

    async def ask(self) -> tuple[int, bytes]:
        """Send a poll; raises `OSError` or `EOFError` when the connection is refused or reset."""
        reader, writer = await self._connection()
        try:
            writer.write(PATH)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            body = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        return int(head[9:12]), body

    async def _connection(self) -> Connection:
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self.port)

    def close(self) -> None:
        """Close what is idle."""
        while self.idle:
            self.idle.pop()[1].close()


class Polls:
    """What a load balancer does: takes turns, and tries a refused or reset one once elsewhere."""

    def __init__(self, ports: list[int]) -> None:
        self._backends = [Backend(port) for port in ports]
        self._turn = itertools.count()
        self._running: set[asyncio.Task[None]] = set()
        self.done: list[Poll] = []

    async def run(self) -> None:
        """Poll until cancelled, on time whatever the answers take."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        try:
            for number in itertools.count():
                await asyncio.sleep(max(0.0, begin + number / RATE - clock()))
                task = asyncio.create_task(self._poll())
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        finally:
            for task in self._running:
                task.cancel()
            for backend in self._backends:
                backend.close()

    async def _poll(self) -> None:
        began = time.monotonic()
        status, body = 0, b""
        turn = next(self._turn)
        for attempt in range(len(self._backends)):
            with suppress(OSError, EOFError, TimeoutError, ValueError):
                backend = self._backends[(turn + attempt) % len(self._backends)]
                async with asyncio.timeout(PATIENCE_SECONDS):
                    status, body = await backend.ask()
                break
        seconds = time.monotonic() - began
        self.done.append(Poll(began, seconds, status, b'"stale":true' in body))

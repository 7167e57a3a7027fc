"""A server on loopback that plays SentiCrypt."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

Rows = list[dict[str, Any]]


@dataclass
class SentiCryptServer:
    """What it answers may be changed at any time."""

    url: str = ""
    status: int = 200
    body: bytes = b"[]"
    headers: dict[str, str] = field(default_factory=dict)
    ended: Event = field(default_factory=Event)
    requests: int = 0
    delay: float = 0
    """Seconds before each answer."""

    def send(self, rows: Rows) -> None:
        """Answer with these rows from now on."""
        self.status, self.body = 200, json.dumps(rows).encode()


@contextmanager
def senticrypt_server() -> Iterator[SentiCryptServer]:
    """Serve until the block ends."""
    state = SentiCryptServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests += 1
            state.ended.wait(state.delay)
            with suppress(ConnectionError):  # A service that has ended does not wait.
                self._answer()

        def _answer(self) -> None:
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *_: Any, **__: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1/bitcoin.json"
    try:
        yield state
    finally:
        state.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()

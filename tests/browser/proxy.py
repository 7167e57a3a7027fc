"""A proxy on loopback that can keep back what the stream says."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

_HEAD_ENDS = b"\r\n\r\n"


@dataclass
class Proxy:
    """Passes everything on, but for what it is told to keep back."""

    target: int
    """The port of the service."""
    url: str = ""
    buffers: bool = False
    """Whether streams get nothing but the head of their answer."""
    streams: set["_Connection"] = field(default_factory=set)
    """Those that are open."""

    def lose_streams(self) -> None:
        """Say nothing more on the streams of now, and do not close them either."""
        for stream in self.streams:
            stream.dead = True


@dataclass(eq=False)
class _Connection:
    dead: bool = False
    streams: bool = False
    headed: bool = False
    """Whether the head of the stream's answer has been passed on."""


@contextmanager
def proxy(url: str) -> Iterator[Proxy]:
    """Stand before the service at this address until the block ends."""
    state = Proxy(int(url.rpartition(":")[2]))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        state.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        Thread(target=_accept, args=(state, listener), daemon=True).start()
        try:
            yield state
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _accept(state: Proxy, listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            service = socket.create_connection(("127.0.0.1", state.target))
            connection = _Connection()
            for pass_on in (_requests, _answers):
                Thread(
                    target=pass_on, args=(state, connection, client, service), daemon=True
                ).start()


def _requests(
    state: Proxy, connection: _Connection, client: socket.socket, service: socket.socket
) -> None:
    with suppress(OSError):
        while data := client.recv(1 << 16):
            if data.startswith(b"GET /api/v1/stream"):
                connection.streams = True
                state.streams.add(connection)
            service.sendall(data)
    state.streams.discard(connection)
    with suppress(OSError):
        service.shutdown(socket.SHUT_RDWR)


def _answers(
    state: Proxy, connection: _Connection, client: socket.socket, service: socket.socket
) -> None:
    with closing(service), closing(client), suppress(OSError):
        while data := service.recv(1 << 16):
            if connection.dead:
                continue
            if connection.streams and state.buffers:
                head, end, _ = data.partition(_HEAD_ENDS)
                data = b"" if connection.headed else head + end
                connection.headed = connection.headed or bool(end)
            client.sendall(data)

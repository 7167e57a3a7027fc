"""The least an ASGI app can do: send the bytes and headers in a file to whoever asks."""

import json
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from isbitcoinlit.server import BACKLOG, KEEP_ALIVE_SECONDS


def main() -> None:
    """Run `python -m benchmarks.bare FILE`; print the port that was free."""
    answer = json.loads(Path(sys.argv[1]).read_text())
    status, body = answer["status"], answer["body"].encode()
    headers = [(name.encode(), value.encode()) for name, value in answer["headers"]]

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    run(app)


def run(app: object) -> None:
    """Serve an app as the service is served, on a free port that is printed."""
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        backlog=BACKLOG,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()

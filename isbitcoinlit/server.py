"""Runs the app under uvicorn, in one process or in several."""

import asyncio
import gc
import socket
import sys
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from ipaddress import ip_address

import uvicorn
from pydantic import SecretStr

from isbitcoinlit import log
from isbitcoinlit.embedded.server import EmbeddedRedis
from isbitcoinlit.errors import ListenError
from isbitcoinlit.resources import SERVICE_ROLE, open_resources
from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from isbitcoinlit.workers import run_workers

KEEP_ALIVE_SECONDS = 75
"""Longer than a dashboard's polling interval, so that it keeps its connection."""
BACKLOG = 2048
"""Connections that may wait while the loop is busy: a whole company's dashboards at once."""
UNREAD_SECONDS = 60
"""How long a client may take nothing of what it was sent, before its connection is given up."""
STOP_SECONDS = 1
"""How long answers under way may take when the service stops."""
LOOK_SECONDS = 0.1
"""How often a start looks for a signal, as uvicorn does later."""


def serve(settings: Settings) -> None:
    """Serve until a signal says stop; raises `ListenError`, or what opening resources raises."""
    with listen(settings) as listener:
        if settings.workers == 1:
            Server(_config(settings), announce=True).run(sockets=[listener])
        else:
            _supervise(settings, listener)


class Server(uvicorn.Server):
    """Owns the app's lifespan, so that a refusal to start is an exception and not a log line."""

    def __init__(self, config: uvicorn.Config, *, announce: bool) -> None:
        super().__init__(config)
        self._announce = announce
        self._open = AsyncExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the app's resources, listen, and say where."""
        app = self.config.loaded_app
        assert isinstance(app, Service)
        if not await self._opened(app):
            return
        try:
            await super().startup(sockets)
        except BaseException:
            await self._open.aclose()
            raise
        # What is loaded stays for good: a full collection need not look at it, which would stop
        # all answers for some 50 ms now and then.
        gc.collect()
        gc.freeze()
        if self._announce and sockets:
            _say_welcome(sockets[0])

    async def _opened(self, app: Service) -> bool:
        """Open the app's resources; give that up, however long Redis takes, when a signal comes."""
        lifespan = app.router.lifespan_context(app)
        opening = asyncio.create_task(self._open.enter_async_context(lifespan))
        while not opening.done() and not self.should_exit:
            await asyncio.wait([opening], timeout=LOOK_SECONDS)
        if not self.should_exit:
            await opening
            return True
        while not opening.done():
            # Once may not be enough: see tasks.py.
            opening.cancel()
            await asyncio.wait([opening], timeout=STOP_SECONDS)
        await asyncio.gather(opening, return_exceptions=True)
        await self._open.aclose()
        return False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, finish the other answers under way, and close what is open."""
        app = self.config.loaded_app
        assert isinstance(app, Service)
        # Streams never finish by themselves, and uvicorn waits for them before it says anything.
        app.stop_streams()
        try:
            await super().shutdown(sockets)
        finally:
            await self._open.aclose()


def _supervise(settings: Settings, listener: socket.socket) -> None:
    """Run several processes on one listening socket; the embedded Redis belongs to this one."""
    with ExitStack() as stack:
        if settings.redis_url is None:
            server = stack.enter_context(EmbeddedRedis(settings.data_dir, SERVICE_ROLE))
            settings = settings.model_copy(update={"redis_url": SecretStr(server.url)})
        # A refusal to start should be said once, not by every process for ever.
        asyncio.run(_try_resources(settings))
        _say_welcome(listener)
        run_workers(settings.workers, _work, (settings, listener))


def _work(settings: Settings, listener: socket.socket) -> None:
    """Serve in a worker process."""
    log.configure(settings.log_format, settings.log_level)
    Server(_config(settings), announce=False).run(sockets=[listener])


async def _try_resources(settings: Settings) -> None:
    async with open_resources(settings):
        pass


def _config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        partial(create_app, settings),
        factory=True,
        lifespan="off",  # The server above opens and closes it.
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # Who the caller is must not be the caller's word.
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        backlog=BACKLOG,
    )


def listen(settings: Settings) -> socket.socket:
    """Bind the address, before anything else is started; raises `ListenError`."""
    host, port = settings.host, settings.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections have it from their listener.
            # What is written for one that never reads would else outlive its stream, for ever.
            wait = UNREAD_SECONDS * 1_000
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, wait)
        listener.bind(address)
        # From now on callers wait for the start to finish, rather than being refused.
        listener.listen(BACKLOG)
    except OSError as error:
        raise ListenError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another address with "
            "--host and --port (ISBITCOINLIT_HOST, ISBITCOINLIT_PORT)."
        ) from error
    listener.set_inheritable(True)
    return listener


def _say_welcome(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    name = "localhost" if ip_address(host).is_unspecified else host
    url = f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
    sys.stdout.write(
        f"\nIsBitcoinLit runs at {url}\n\n"
        f"  curl {url}/is-bitcoin-lit      the answer\n"
        f"  curl -X POST {url}/refresh     pull the feed now\n"
        f"  {url}/docs                     everything else, to try out\n\n"
        "Ctrl-C ends it.\n\n"
    )
    sys.stdout.flush()

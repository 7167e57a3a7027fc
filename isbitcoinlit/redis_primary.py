"""Finds the server that takes writes, and keeps connections on it while it changes.

All keys of a service share one hash tag, and so one slot: what a Cluster and what Sentinel offer
is the same to us, a primary that may be another one after a failover. One ordinary client on
connections that follow it does everything, in every shape that Redis is run in.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, ReadOnlyError, RedisError

from isbitcoinlit.log import get_logger
from isbitcoinlit.redis_url import Endpoint

ASK_SECONDS = 0.5
"""How long those who know may take; a majority of them is near and answers in milliseconds."""

log = get_logger()


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """Who is the primary, as somebody says; the later epoch is right."""

    epoch: int
    host: str
    port: int


class PrimaryFinder(ABC):
    """Asks several nodes at once who the primary is, for all connections of a process."""

    must_be_asked = False
    """Whether an old primary that came back takes writes until somebody tells it not to."""

    def __init__(self, nodes: Iterable[Endpoint], options: Mapping[str, Any]) -> None:
        self.nodes = tuple(nodes)
        self.current: Endpoint | None = None
        """The primary that was found last; a connection to another one is out of date."""
        self.failovers = 0
        """How often it was another one than before."""
        self.on_failover: Callable[[], None] = _nobody
        """Called each time."""
        self._complaints: dict[Endpoint, str] = {}
        self._options = {
            **options,
            "socket_connect_timeout": ASK_SECONDS,
            "socket_timeout": ASK_SECONDS,
            "retry": None,
            "decode_responses": True,
        }
        self._search: asyncio.Task[Endpoint] | None = None
        self._asking: set[asyncio.Task[Claim | None]] = set()

    async def find(self) -> Endpoint:
        """Return the primary; raises a `RedisError` when nobody knows one."""
        if self._search is None or self._search.done():
            self._search = asyncio.create_task(self._find())
            self._search.add_done_callback(_retrieve)
        return await asyncio.shield(self._search)

    async def _find(self) -> Endpoint:
        claims = await self._claims()
        if not claims:
            said = "; ".join(sorted(set(self._complaints.values())))
            raise MasterNotFoundError(f"none of {_listed(self.nodes)} knows a primary ({said})")
        newest = max(claims)
        found = newest.host, newest.port
        if found != self.current:
            if self.current:
                self.failovers += 1
                self.on_failover()
                log.warning("redis-failover", before=_listed([self.current]), now=_listed([found]))
            self.current = found
        return found

    async def _claims(self) -> list[Claim]:
        """What a majority says, or those who answer in time."""
        tasks = [asyncio.create_task(self._ask(node)) for node in self.nodes]
        for task in tasks:
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            task.add_done_callback(_retrieve)
        give_up = asyncio.get_running_loop().time() + ASK_SECONDS
        claims: list[Claim] = []
        pending = set(tasks)
        while pending and 2 * len(claims) <= len(tasks):
            left = give_up - asyncio.get_running_loop().time()
            done, pending = await asyncio.wait(
                pending, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                break
            claims += [claim for task in done if (claim := task.result())]
        return claims  # Whoever is still asked gives up by itself, in as little time.

    async def _ask(self, node: Endpoint) -> Claim | None:
        host, port = node
        client = Redis(host=host, port=port, single_connection_client=True, **self._options)
        try:
            async with client:
                claim = await self.ask(client)
                self._complaints[node] = "it is down"
        except (RedisError, OSError, LookupError, ValueError) as error:
            self._complaints[node] = str(error)
            # One that is away, refuses us or talks nonsense; when all do, that is the error.
            return None
        return claim

    @abstractmethod
    async def ask(self, client: Redis) -> Claim | None:
        """Ask one node; None if it knows no primary that works."""


class SentinelFinder(PrimaryFinder):
    """Asks the sentinels."""

    must_be_asked = True  # In a Cluster the nodes tell each other, before they take writes.

    def __init__(self, nodes: Iterable[Endpoint], options: Mapping[str, Any], service: str) -> None:
        super().__init__(nodes, options)
        self._service = service

    async def ask(self, client: Redis) -> Claim | None:
        """Ask one sentinel."""
        state: Any = await client.sentinel_master(self._service)
        if state["is_sdown"] or state["is_odown"]:
            return None
        return Claim(int(state["config-epoch"]), state["ip"], int(state["port"]))


class ClusterFinder(PrimaryFinder):
    """Asks the nodes of a cluster for the master of one slot."""

    def __init__(
        self, nodes: Iterable[Endpoint], options: Mapping[str, Any], slot: int, *, names: bool
    ) -> None:
        super().__init__(nodes, options)
        self._seeds = self.nodes
        self._slot = slot
        self._names = names
        """Whether nodes are called by the names they announce, which certificates hold."""

    async def ask(self, client: Redis) -> Claim | None:
        """Ask one node, and learn which others there are."""
        reply: Any = await client.cluster("NODES")
        asked = client.connection_pool.connection_kwargs["host"]
        known, claims = [], []
        for address, state in reply.items():
            endpoint = self._endpoint(address, state, asked)
            flags = state["flags"].split(",")
            if not {"noaddr", "handshake", "fail"}.intersection(flags):
                known.append(endpoint)
                if "master" in flags and self._serves(state["slots"]):
                    claims.append(Claim(int(state["epoch"]), *endpoint))
        self.nodes = tuple(dict.fromkeys((*known, *self._seeds)))
        return max(claims, default=None)

    def _endpoint(self, address: str, state: Mapping[str, Any], asked: str) -> Endpoint:
        host, _, port = address.rpartition(":")
        # A node that has met no other yet does not know its own address.
        return (state.get("hostname") if self._names else "") or host or asked, int(port)

    def _serves(self, ranges: Iterable[Iterable[str]]) -> bool:
        # A slot without neighbours is a range of one number.
        ends = ([int(end) for end in one] for one in ranges)
        return any(one[0] <= self._slot <= one[-1] for one in ends)


class FollowingConnection(Connection):
    """A connection to whichever server is the primary when it is opened."""

    def __init__(self, *, finder: PrimaryFinder, **options: Any) -> None:
        super().__init__(**options)
        self.finder = finder

    async def connect(self) -> None:
        """Connect; one that leads to a server which is not the primary any more begins anew."""
        if self.is_connected and (self.host, self.port) != self.finder.current:
            await self.disconnect(nowait=True)
        await super().connect()  # type: ignore[no-untyped-call]

    async def _connect(self) -> None:
        self.host, self.port = await self.finder.find()
        await super()._connect()  # type: ignore[no-untyped-call]

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Make sure that it is a primary: who was asked may be behind."""
        await super().on_connect_check_health(check_health=check_health)
        if isinstance(self.finder, SentinelFinder):  # A replica in a Cluster says so itself.
            await self.send_command("ROLE", check_health=False)
            role = (await self.read_response())[0]
            if role not in {"master", b"master"}:
                raise RedisConnectionError(f"{self._host_error()} is no primary any more")

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Read a reply; one that only a replica gives ends the connection."""
        try:
            return await super().read_response(*args, **options)
        except (ReadOnlyError, MovedError) as error:
            await self.disconnect(nowait=True)
            message = f"{self._host_error()} is not the primary any more"
            raise RedisConnectionError(message) from error


class FollowingTLSConnection(FollowingConnection, SSLConnection):
    """The same, encrypted."""


def _nobody() -> None:
    """Tell nobody."""


def _retrieve(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


def _listed(nodes: Iterable[Endpoint]) -> str:
    return ", ".join(f"{host}:{port}" for host, port in nodes)

"""Redis as it is run in earnest, on this machine: alone, under Sentinel, and as a Cluster."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from tests.faults.node import HOST, Node, free_ports, sentinel, server
from tests.waiting import until

READY_SECONDS = 20.0
SERVICE = "mymaster"
_SLOTS = 16_384


@dataclass
class Rig:
    """Some servers, and the address under which a service reaches them."""

    name: str
    url: str
    servers: list[Node]
    sentinels: list[Node] = field(default_factory=list)

    def ask(self, node: Node, *command: str) -> Any:
        """Send one command to one server."""
        with Redis(
            HOST, node.port, decode_responses=True, socket_timeout=2, socket_connect_timeout=1
        ) as client:
            return client.execute_command(*command)

    def primary(self, prefix: str = "isbitcoinlit") -> Node:
        """The server that takes the writes of this prefix now."""
        found = [node for node in self.servers if node.runs and self._leads(node, prefix)]
        assert len(found) == 1, f"{len(found)} primaries"
        return found[0]

    def replicas(self, prefix: str = "isbitcoinlit") -> list[Node]:
        """The servers that follow the primary of this prefix."""
        port = str(self.primary(prefix).port)
        return [node for node in self.servers if node.runs and self._follows(node, port)]

    def is_master(self, node: Node) -> bool:
        """Whether a server takes writes of whatever keys."""
        try:
            return bool(self.ask(node, "ROLE")[0] == "master")
        except RedisError:
            return False

    def whole(self) -> bool:
        """Whether every server runs, and each replica is in step."""
        try:
            roles = [self.ask(node, "ROLE") for node in self.servers]
        except RedisError:
            return False
        masters = [role for role in roles if role[0] == "master"]
        steady = all(role[3] == "connected" for role in roles if role[0] != "master")
        return steady and len(masters) == (3 if self.name == "cluster" else 1)

    def _leads(self, node: Node, prefix: str) -> bool:
        try:
            if self.ask(node, "ROLE")[0] != "master":
                return False
            if self.name != "cluster":
                return True
            slot = key_slot(f"{{{prefix}}}".encode())
            mine = [line for line in _nodes(node) if "myself" in line.split()[2]]
            return any(_holds(slot, part) for part in mine[0].split()[8:])
        except RedisError:
            return False

    def _follows(self, node: Node, port: str) -> bool:
        try:
            role = self.ask(node, "ROLE")
        except RedisError:
            return False
        return bool(role[0] == "slave" and str(role[2]) == port)


@contextmanager
def single(*options: str) -> Iterator[Rig]:
    """One server."""
    with _directory() as (path, stack):
        [port] = free_ports(1)
        node = _started(stack, server(path / "single", port, *options))
        yield Rig("single", f"redis://{HOST}:{port}/0", [node])


@contextmanager
def under_sentinel(*options: str) -> Iterator[Rig]:
    """A primary, a replica, and three sentinels that replace a primary after a second."""
    with _directory() as (path, stack):
        first, second, *ports = free_ports(5)
        servers = [
            _started(stack, server(path / "a", first, *options)),
            _started(stack, server(path / "b", second, "--replicaof", f"{HOST} {first}", *options)),
        ]
        told = "".join(
            f"sentinel {line}\n"
            for line in (
                f"monitor {SERVICE} {HOST} {first} 2",
                f"down-after-milliseconds {SERVICE} 1000",
                f"failover-timeout {SERVICE} 6000",
                f"parallel-syncs {SERVICE} 1",
            )
        )
        sentinels = [
            _started(stack, sentinel(path / f"sentinel{port}", port, told)) for port in ports
        ]
        hosts = ",".join(f"{HOST}:{port}" for port in ports)
        rig = Rig("sentinel", f"redis+sentinel://{hosts}/{SERVICE}/0", servers, sentinels)
        assert until(lambda: rig.whole() and _agreed(rig), READY_SECONDS)
        yield rig


@contextmanager
def cluster(*options: str) -> Iterator[Rig]:
    """Three masters with a replica each; a master is replaced after two seconds."""
    with _directory() as (path, stack):
        ports = free_ports(12)
        servers = [
            _started(
                stack,
                server(
                    path / str(port),
                    port,
                    *("--cluster-enabled", "yes", "--cluster-port", str(bus)),
                    *("--cluster-node-timeout", "2000", *options),
                ),
            )
            for port, bus in zip(ports[:6], ports[6:], strict=True)
        ]
        hosts = ",".join(f"{HOST}:{node.port}" for node in servers[:3])
        rig = Rig("cluster", f"redis+cluster://{hosts}", servers)
        _join(rig, ports[6:])
        yield rig


SHAPES = {"single": single, "sentinel": under_sentinel, "cluster": cluster}


def _join(rig: Rig, buses: Sequence[int]) -> None:
    """Make one cluster of servers that know nothing of each other."""
    masters, replicas = rig.servers[:3], rig.servers[3:]
    share = _SLOTS // 3 + 1
    for number, node in enumerate(masters):
        last = min((number + 1) * share, _SLOTS) - 1
        rig.ask(node, "CLUSTER", "ADDSLOTSRANGE", str(number * share), str(last))
        rig.ask(node, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
    for node, bus in zip(rig.servers[1:], buses[1:], strict=True):
        rig.ask(masters[0], "CLUSTER", "MEET", HOST, str(node.port), str(bus))
    assert until(lambda: all(len(_nodes(n)) == len(rig.servers) for n in rig.servers), 20)
    for master, replica in zip(masters, replicas, strict=True):
        identity = rig.ask(master, "CLUSTER", "MYID")
        rig.ask(replica, "CLUSTER", "REPLICATE", identity)
    assert until(lambda: rig.whole() and _covered(rig), READY_SECONDS)


def _covered(rig: Rig) -> bool:
    """Whether every server knows every server, its role, and that all slots are served."""
    try:
        return all(
            sum("slave" in line.split()[2] for line in _nodes(node)) == 3
            and "cluster_state:ok" in str(_information(node))
            for node in rig.servers
        )
    except RedisError:
        return False


def _nodes(node: Node) -> list[str]:
    with Redis(HOST, node.port, decode_responses=True, socket_timeout=2) as client:
        client.set_response_callback("CLUSTER NODES", str)
        return str(client.execute_command("CLUSTER NODES")).splitlines()


def _information(node: Node) -> str:
    with Redis(HOST, node.port, decode_responses=True, socket_timeout=2) as client:
        client.set_response_callback("CLUSTER INFO", str)
        return str(client.execute_command("CLUSTER INFO"))


def _agreed(rig: Rig) -> bool:
    """Whether every sentinel knows the others and the replica."""
    states: list[Any] = [rig.ask(node, "SENTINEL", "MASTER", SERVICE) for node in rig.sentinels]
    return all(int(s["num-other-sentinels"]) == 2 and int(s["num-slaves"]) == 1 for s in states)


def _holds(slot: int, text: str) -> bool:
    first, _, last = text.partition("-")
    return first.isdecimal() and int(first) <= slot <= int(last or first)


def _started(stack: ExitStack, node: Node) -> Node:
    stack.callback(node.kill)
    node.start()
    return node


@contextmanager
def _directory() -> Iterator[tuple[Path, ExitStack]]:
    with TemporaryDirectory(prefix="isbitcoinlit-") as path, ExitStack() as stack:
        yield Path(path), stack


def of_shape(name: str, *options: str) -> AbstractContextManager[Rig]:
    """The rig of that name."""
    return SHAPES[name](*options)

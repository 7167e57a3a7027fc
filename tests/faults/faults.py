"""The faults that are made to happen, by the shape of Redis."""

import resource
from collections.abc import Callable

from tests.faults.measure import Fault
from tests.faults.node import Node
from tests.faults.system import PREFIX, ServiceNode, System, service, start, stop

TAKEOVER_SECONDS = 3.0
"""Two ticks of a second, and what they vary by."""

Which = Callable[[System], Node]


class Victim:
    """A process that is chosen when the fault begins, and is the same when it ends."""

    def __init__(self, which: Which) -> None:
        self._which = which
        self._node: Node | None = None

    async def kill(self, system: System) -> None:
        """End it as a power cut does."""
        self._node = self._which(system)
        self._node.kill()

    async def start(self, system: System) -> None:
        """Start it again."""
        assert self._node, system
        await start(self._node)

    async def freeze(self, system: System) -> None:
        """Stop it, without it noticing."""
        self._node = self._which(system)
        self._node.freeze()

    async def thaw(self, system: System) -> None:
        """Let it go on."""
        assert self._node, system
        self._node.thaw()

    async def stop(self, system: System) -> None:
        """End it in good order."""
        self._node = self._which(system)
        await stop(self._node)


async def nothing(_: System) -> None:
    """Do nothing."""


def of(name: str, which: Which, *, down: float = 3.0, limit: float | None = None) -> list[Fault]:
    """Frozen for five seconds, killed, and restarted."""
    # A server that is frozen takes connections, and has to be given up first.
    stopped = limit if limit == TAKEOVER_SECONDS else None
    kill, freeze, again = Victim(which), Victim(which), Victim(which)
    return [
        Fault(f"{name}: SIGSTOP for 5 s", freeze.freeze, freeze.thaw, 5.0, stopped),
        Fault(f"{name}: kill -9, started after {down:.0f} s", kill.kill, kill.start, down, limit),
        Fault(f"{name}: restart", again.stop, again.start),
    ]


def state_of_market(name: str, state: str, seconds: float) -> Fault:
    """The upstream behaves differently for a while."""

    async def inject(system: System) -> None:
        system.market.state = state

    async def repair(system: System) -> None:
        system.market.state = "ok"

    return Fault(name, inject, repair, seconds)


def state_of_lines(name: str, state: str) -> Fault:
    """All lines to Redis behave differently for five seconds."""

    async def inject(system: System) -> None:
        for line in system.lines:
            line.state = state

    return Fault(name, inject, good_lines, 5.0)


def cut_off(limit: float) -> Fault:
    """What the holder of the lease sends does not arrive, and nothing arrives at it."""

    async def inject(system: System) -> None:
        system.lines[system.services.index(system.holder())].state = "nowhere"

    name = "service process with the lease: cut off from Redis for 5 s"
    return Fault(name, inject, good_lines, 5.0, limit)


async def good_lines(system: System) -> None:
    """Let everything through again; what was held back arrives late."""
    for line in system.lines:
        line.state = "ok"


def full_disk() -> Fault:
    """No file of Redis may grow."""

    def limit(system: System, soft: int) -> None:
        pid = system.rig.primary(PREFIX).pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))

    async def inject(system: System) -> None:
        limit(system, 1)

    async def repair(system: System) -> None:
        limit(system, resource.RLIM_INFINITY)

    return Fault("disk full for the append-only file, 5 s", inject, repair, 5.0)


def full_memory() -> Fault:
    """Redis may use less memory than it does."""

    async def inject(system: System) -> None:
        system.rig.ask(system.rig.primary(PREFIX), "CONFIG", "SET", "maxmemory", "100kb")

    async def repair(system: System) -> None:
        system.rig.ask(system.rig.primary(PREFIX), "CONFIG", "SET", "maxmemory", "0")

    return Fault("`maxmemory` reached, 5 s", inject, repair, 5.0)


def clock_ahead() -> Fault:
    """One process runs on a machine with a wrong clock."""
    exchanged: list[ServiceNode] = []

    async def exchange(system: System, *, ahead: bool) -> None:
        old = system.services[1]
        await stop(old)
        url = f"redis://127.0.0.1:{system.lines[1].port}/0"
        new = service(old.directory.parent, old.port, url, system.market, ahead=ahead)
        system.services[1] = new
        exchanged.append(new)
        await start(new)

    async def inject(system: System) -> None:
        await exchange(system, ahead=True)

    async def repair(system: System) -> None:
        await exchange(system, ahead=False)

    return Fault("clock of one service process an hour ahead, 5 s", inject, repair, 5.0)


def replica(system: System) -> Node:
    """A replica of our primary."""
    return system.rig.replicas()[0]


def stranger(system: System) -> Node:
    """A master of the cluster that has none of our keys."""
    ours = system.rig.primary(PREFIX)
    masters = (n for n in system.rig.servers if n is not ours and system.rig.is_master(n))
    return next(masters)


SINGLE = [
    *of("service process without the lease", System.other),
    *of("service process with the lease", System.holder, limit=TAKEOVER_SECONDS),
    cut_off(TAKEOVER_SECONDS),
    *of("Redis", lambda system: system.rig.servers[0], down=1),
    full_disk(),
    full_memory(),
    state_of_lines("Redis 200 ms slower on every reply, 5 s", "slow"),
    state_of_lines("every connection reset in the middle of a reply, 5 s", "cut"),
    state_of_market("upstream down, 5 s", "down", 5),
    state_of_market("upstream slow (4 s), 8 s", "slow", 8),
    state_of_market("upstream lying, 5 s", "lying", 5),
    clock_ahead(),
]
SENTINEL = [
    *of("primary", lambda system: system.rig.primary(PREFIX), down=5, limit=5.0),
    *of("replica", replica),
    *of("sentinel", lambda system: system.rig.sentinels[0]),
    of("service process with the lease", System.holder)[1],
]
CLUSTER = [
    *of("master of our slot", lambda s: s.rig.primary(PREFIX), down=7, limit=8.0),
    *of("replica of our slot", replica),
    of("another master", stranger, down=5)[1],
]
FAULTS = {"single": SINGLE, "sentinel": SENTINEL, "cluster": CLUSTER}

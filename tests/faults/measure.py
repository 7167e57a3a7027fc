"""What a fault did to those who use the service."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from isbitcoinlit.tasks import running
from tests.faults.streams import Heard
from tests.faults.system import FRESH_SECONDS, LOOK_SECONDS, WALL, System

HEARD_SECONDS = 10.0
"""How long all streams may take to be back: a browser waits up to four seconds."""

Step = Callable[[System], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that fails, and how it ends."""

    name: str
    inject: Step
    repair: Step
    seconds: float = 0.0
    """For how long."""
    limit: float | None = None
    """Seconds after which writes should be back, where there is a goal."""


@dataclass(frozen=True, slots=True)
class Row:
    """What happened; durations in seconds."""

    shape: str
    fault: str
    polls: int
    failed: int
    """Polls without an answer, or with another one than 200."""
    stale: int
    """Polls whose answer said `stale`."""
    slowest: float
    """The longest time to an answer."""
    silence: float
    """The longest time without an event on any stream."""
    untold: int
    """Streams that missed a reading and were not told so."""
    repeated: int
    """Readings that a stream got twice."""
    refreshes_failed: int
    missing: int
    """Readings that Redis lacked as soon as it answered again."""
    missing_later: int
    """The same after the next refresh."""
    writes: float
    """Until a reading was stored that is younger than the fault."""
    normal: float
    """Until what Redis has stayed fresh."""


async def measure(system: System, fault: Fault) -> Row:
    """Let it happen, wait until it is over, and count."""
    await system.normal()
    failures, began = await system.failures(), time.monotonic()
    first_look = len(system.looks)
    after: list[int] = []
    async with running(_count_when_back(system, first_look, after)):
        await fault.inject(system)
        await asyncio.sleep(fault.seconds)
        await fault.repair(system)
        if not any(look.newest is None for look in system.looks[first_look:]):
            after.append(await system.missing())
        repaired = time.monotonic()
        await system.normal(since=repaired)
        # The next refresh has been when there is a reading younger than the end of it all: an old
        # primary may have taken writes until it was made a replica.
        calm = time.monotonic()
        while (system.looks[-1].newest or 0) < calm + WALL:
            await asyncio.sleep(LOOK_SECONDS)
    later = await system.missing()
    everything = await system.stored(began, repaired)
    await _all_heard(system.streams.heard, repaired)
    with suppress(TimeoutError):
        async with asyncio.timeout(HEARD_SECONDS):
            while _untold(system.streams.heard, everything, began):
                await asyncio.sleep(0.05)
    ended = time.monotonic()
    polls = [poll for poll in system.polls.done if began <= poll.began + poll.seconds <= ended]
    looks = [look for look in system.looks[first_look:] if look.at <= ended]
    old = [look.at - began for look in looks if look.age > FRESH_SECONDS]
    young = (look.at - began for look in looks if (look.newest or 0) > began + WALL)
    heard = system.streams.heard
    return Row(
        shape=system.shape,
        fault=fault.name,
        polls=len(polls),
        failed=sum(poll.status != 200 for poll in polls),
        stale=sum(poll.stale for poll in polls),
        slowest=max(poll.seconds for poll in polls),
        silence=max(_silence(one, began, ended) for one in heard),
        untold=_untold(heard, everything, began),
        repeated=sum(_repeated(one) for one in heard),
        refreshes_failed=await system.failures() - failures,
        missing=after[0] if after else 0,
        missing_later=later,
        writes=next(young, float("inf")),
        normal=max(old, default=0.0),
    )


async def _count_when_back(system: System, first: int, counted: list[int]) -> None:
    """Count what is missing in the moment in which Redis answers again, if it stopped to."""
    while True:
        looks = system.looks[first:]
        if any(look.newest is None for look in looks) and looks[-1].newest is not None:
            counted.append(await system.missing())
            await asyncio.Event().wait()
        await asyncio.sleep(0.02)


async def _all_heard(heard: list[Heard], since: float) -> None:
    """Wait until every stream is heard again."""
    async with asyncio.timeout(HEARD_SECONDS):
        while not all(one.times and one.times[-1] > since for one in heard):
            await asyncio.sleep(0.05)


def _silence(heard: Heard, began: float, ended: float) -> float:
    times = [at for at in heard.times if began - 5 <= at <= ended]
    return max((b - max(a, began) for a, b in pairwise([*times, ended]) if b >= began), default=0.0)


def _untold(heard: list[Heard], everything: set[str], began: float) -> int:
    """Count the streams that lack a reading which Redis has, without having been told."""
    count = 0
    for one in heard:
        times = {time for _, time in one.readings}
        told = any(at >= began for at in one.resyncs)
        count += bool(everything - times) and not told
    return count


def _repeated(heard: Heard) -> int:
    times = [time for _, time in heard.readings]
    return len(times) - len(set(times))

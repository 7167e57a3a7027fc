"""Everything may fail, and nobody who polls notices: faults that really happen, under load."""

import asyncio
import statistics
from dataclasses import replace

import pytest

from tests.faults.faults import FAULTS
from tests.faults.measure import Fault, Row, measure
from tests.faults.report import write_memory, write_rows
from tests.faults.system import system

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1_200)]

WARM_SECONDS = 20.0
"""Until pools, caches and the window of the feed are as large as they become."""
LOOK_SECONDS = 1.0
GROWTH = 4 << 20
"""Bytes by which the memory of a process may seem to grow and be called flat."""


def broken_goals(fault: Fault, row: Row) -> list[str]:
    """Say in which respects a row is not as it should be."""
    goals = {
        f"{row.failed} polls failed": row.failed == 0,
        f"{row.missing_later} readings missing after the next refresh": row.missing_later == 0,
        f"{row.untold} streams were not told of a gap": row.untold == 0,
        f"{row.repeated} readings came twice": row.repeated == 0,
        f"writes back after {row.writes:.1f} s": row.writes <= (fault.limit or row.writes),
    }
    return [f"{fault.name}: {words}" for words, met in goals.items() if not met]


@pytest.mark.parametrize("shape", list(FAULTS))
async def test_faults(shape: str, request: pytest.FixtureRequest) -> None:
    """No poll fails, no reading stays missing, no stream misses anything in silence.

    A reading is stored within 5 s of a primary's death under Sentinel, within 8 s in a Cluster, and
    within two ticks when the process that refreshes is killed, stopped or cut off.
    """
    rows, broken = [], []
    async with system(shape) as everything:
        for fault in FAULTS[shape]:
            row = await measure(everything, fault)
            if fault.limit and row.writes > fault.limit:
                # Times are the machine's too, unlike counts: it may have been busy once, not twice.
                broken += broken_goals(replace(fault, limit=None), row)
                row = await measure(everything, fault)
            rows.append(row)
            broken += broken_goals(fault, row)
    if request.config.getoption("--report"):
        write_rows(shape, rows)

    assert broken == []


async def test_memory_is_flat(request: pytest.FixtureRequest) -> None:
    """Polls, streams and refreshes for as long as one likes leave nothing behind."""
    seconds = float(request.config.getoption("--soak"))
    async with system("sentinel") as everything:
        await asyncio.sleep(WARM_SECONDS)
        first = len(everything.polls.done)
        looks = []
        for _ in range(round(seconds / LOOK_SECONDS)):
            looks.append([node.memory() for node in everything.services])
            await asyncio.sleep(LOOK_SECONDS)
        polls = everything.polls.done[first:]
    third = len(looks) // 3
    sizes = [
        (round(statistics.median(one[:third])), round(statistics.median(one[-third:])))
        for one in zip(*looks, strict=True)
    ]
    if request.config.getoption("--report"):
        write_memory(seconds / 60, len(polls), sizes)

    assert {poll.status for poll in polls} == {200}
    assert all(after - before < GROWTH for before, after in sizes), sizes

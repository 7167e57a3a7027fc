"""Ending a task."""

import asyncio
from contextlib import suppress

import pytest

from isbitcoinlit.tasks import end

pytestmark = pytest.mark.anyio


async def deaf() -> None:
    """Lose the first cancellation, and go on."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()


async def test_a_task_that_loses_a_cancellation_ends() -> None:
    """It is cancelled again."""
    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await end(task)

    assert task.cancelled()


async def test_our_own_cancellation_is_not_swallowed() -> None:
    """Whoever ends a task can be cancelled meanwhile."""
    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    ending = asyncio.create_task(end(task))
    await asyncio.sleep(0)

    ending.cancel()
    await asyncio.wait([ending])

    assert ending.cancelled()
    await end(task)


async def test_a_task_that_has_ended_is_left_alone() -> None:
    """There is nothing to wait for."""
    task = asyncio.create_task(asyncio.sleep(0))
    await task

    await end(task)

    assert not task.cancelled()

"""Tasks that live as long as a block."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

_AGAIN_SECONDS = 0.1


@asynccontextmanager
async def running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run a coroutine that never ends by itself, for the length of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await _end(task)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended.

    Once is not enough on Python 3.11, where `asyncio.wait_for`, which redis-py uses, passes over a
    cancellation that comes in the moment in which it is done.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)

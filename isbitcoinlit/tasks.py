"""Tasks that end when they should."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")

_AGAIN_SECONDS = 0.1


@asynccontextmanager
async def running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run a coroutine that never ends by itself, for the length of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await end(task)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine in an event loop of its own; Ctrl-C ends it for certain."""
    return asyncio.run(_to_its_end(work))


async def _to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    finally:
        await end(task)


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks until all of them have ended.

    Once is not enough on Python 3.11, where `asyncio.wait_for`, which redis-py uses, passes over a
    cancellation that comes in the moment in which it is done.
    """
    pending = {task for task in tasks if task}
    while pending := {task for task in pending if not task.done()}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_AGAIN_SECONDS)

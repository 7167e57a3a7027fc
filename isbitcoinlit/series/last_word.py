"""What has to be said although storing ended with an error."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from isbitcoinlit.tasks import end

SECONDS = 0.5
"""Saying it takes milliseconds; a Redis that does not answer may not hold up a shutdown."""


async def say_anyway(work: Coroutine[Any, Any, None]) -> None:
    """Do this for at most half a second, however often we are cancelled meanwhile.

    The error that is on its way is the one to raise, so none of these is.
    """
    clock = asyncio.get_running_loop().time
    task, give_up = asyncio.create_task(work), clock() + SECONDS
    while not task.done() and clock() < give_up:
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task], timeout=give_up - clock())
    await end(task)
    if not task.cancelled():
        task.exception()

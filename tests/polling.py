"""Waiting in an event loop for something that another task does."""

import asyncio
from collections.abc import Callable


async def eventually(condition: Callable[[], object], seconds: float = 5) -> None:
    """Wait until the condition is true; fail with TimeoutError if that takes too long."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)

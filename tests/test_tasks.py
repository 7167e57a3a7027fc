"""Tasks that live as long as a block."""

import asyncio
from contextlib import suppress

import pytest

from isbitcoinlit.tasks import running

pytestmark = pytest.mark.anyio


class Deaf:
    """Work that loses its first cancellation, and goes on."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.lost = asyncio.Event()
        self.ended = False

    async def work(self) -> None:
        """Go on for ever."""
        self.began.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        self.lost.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def test_work_that_loses_a_cancellation_ends() -> None:
    """It is cancelled again, and has ended when the block has."""
    deaf = Deaf()

    async with asyncio.timeout(5), running(deaf.work()):
        await deaf.began.wait()

    assert deaf.ended


async def test_our_own_cancellation_is_not_swallowed() -> None:
    """Whoever leaves the block can be cancelled while the work ends."""
    deaf = Deaf()

    async def block() -> None:
        async with running(deaf.work()):
            await deaf.began.wait()

    task = asyncio.create_task(block())
    async with asyncio.timeout(5):
        await deaf.lost.wait()
        task.cancel()
        await asyncio.wait([task])

    assert task.cancelled()


async def test_work_that_has_ended_is_left_alone() -> None:
    """There is nothing to wait for."""
    async with asyncio.timeout(5), running(asyncio.sleep(0)):
        await asyncio.sleep(0.01)

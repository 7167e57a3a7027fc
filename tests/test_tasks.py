"""Tasks that end when they should."""

import asyncio
import os
import signal
from contextlib import suppress

import pytest

from isbitcoinlit.tasks import end, run, running


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


@pytest.mark.anyio
async def test_work_that_loses_a_cancellation_ends() -> None:
    """It is cancelled again, and has ended when the block has."""
    deaf = Deaf()

    async with asyncio.timeout(5), running(deaf.work()):
        await deaf.began.wait()

    assert deaf.ended


@pytest.mark.anyio
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


@pytest.mark.anyio
async def test_work_that_has_ended_is_left_alone() -> None:
    """There is nothing to wait for."""
    async with asyncio.timeout(5), running(asyncio.sleep(0)):
        await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_several_are_ended_at_once() -> None:
    """Those that were never begun, that have ended and that lose a cancellation among them."""
    deaf = [Deaf(), Deaf()]
    tasks = [asyncio.create_task(one.work()) for one in deaf]
    async with asyncio.timeout(5):
        for one in deaf:
            await one.began.wait()
        await end(None, asyncio.create_task(asyncio.sleep(0)), *tasks)

    assert [one.ended for one in deaf] == [True, True]


def test_control_c_ends_a_command() -> None:
    """Though its work loses the cancellation, it ends as interrupted."""
    deaf = Deaf()

    async def interrupted() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
        await deaf.work()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(interrupted())
    finally:
        signal.signal(signal.SIGINT, before)

    assert deaf.ended


def test_a_command_has_a_result() -> None:
    """What the work returns or raises comes out."""
    assert run(asyncio.sleep(0, "result")) == "result"
    with pytest.raises(ValueError, match="no"):
        run(_fail())


async def _fail() -> None:
    raise ValueError("no")

"""What has to be said is said, whatever else goes wrong."""

import asyncio

import pytest

from isbitcoinlit.series import last_word
from isbitcoinlit.series.last_word import say_anyway

pytestmark = pytest.mark.anyio


async def test_a_cancellation_does_not_stop_it() -> None:
    """However often whoever says it is cancelled, it is said to its end."""
    begun, heard = asyncio.Event(), asyncio.Event()
    said: list[bool] = []

    async def say() -> None:
        begun.set()
        await heard.wait()
        said.append(True)

    speaker = asyncio.create_task(say_anyway(say()))
    await begun.wait()
    for _ in range(3):
        speaker.cancel()
        await asyncio.sleep(0)
    heard.set()
    await speaker

    assert said == [True]


async def test_its_error_hides_no_other() -> None:
    """The error that is on its way is raised, and not that of saying so."""

    async def say() -> None:
        raise OSError("nobody hears")

    async def fail() -> None:
        try:
            raise ValueError("the first one")
        finally:
            await say_anyway(say())

    with pytest.raises(ValueError, match="the first one"):
        await fail()


async def test_it_does_not_take_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not heard gives up after a while."""
    monkeypatch.setattr(last_word, "SECONDS", 0.05)

    await asyncio.wait_for(say_anyway(asyncio.sleep(60)), 5)

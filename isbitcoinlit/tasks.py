"""How a task of ours is ended."""

import asyncio

_AGAIN_SECONDS = 0.1


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended.

    Once is not enough: redis-py loses a cancellation that arrives together with a reply. And not
    by `await task` with the error suppressed: that would swallow a cancellation of ours.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)

"""Answers that are kept for a while in Redis, for all processes.

A name says which feed an answer is about and from when to when, so that a reading that comes late
forgets just the answers that it touches.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import ceil

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock
from isbitcoinlit.models import Span
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.tasks import end

MOST = 400
"""Answers that are kept; the one that was put in first makes room."""
MOST_CHARACTERS = 250_000
"""Of one answer: a longer one is computed each time, so that all of them stay below 100 MB."""
LOCK_SECONDS = 5.0
"""A computation takes milliseconds; whoever holds the lock for longer has died."""
LOOK_SECONDS = 0.02
"""How often a process looks whether another one has finished."""

# KEYS: the answer, the names by the time they were put in, how often answers were forgotten.
# ARGV: the answer, milliseconds to live, the third as it was before, name, prefix, now, most.
_SET = """
if (redis.call('GET', KEYS[3]) or '0') ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[6], ARGV[4])
while redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[7]) do
    redis.call('DEL', ARGV[5] .. redis.call('ZPOPMIN', KEYS[2])[1])
end
return 1
"""

Compute = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class AnswerName:
    """What an answer is called: what it is, of which feed, from when to when, and the rest."""

    kind: str
    feed: str
    span: Span
    rest: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.feed}:{self.span.begin}:{self.span.end}:{self.rest}"

    @classmethod
    def read(cls, text: str) -> "AnswerName":
        """Return the name that a text stands for."""
        kind, feed, begin, end, rest = text.split(":", 4)
        return cls(kind, feed, Span(int(begin), int(end)), rest)


class AnswerCache:
    """Gets, sets and forgets answers; every method raises a `StorageError`."""

    def __init__(self, redis: Redis, keys: Keys, clock: Clock) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._set = redis.register_script(_SET)
        self._running: dict[str, asyncio.Task[str]] = {}
        self._tasks: set[asyncio.Task[str]] = set()
        """All that run, those included that nobody joins any more."""
        self.forgotten = 0
        """How often this process had answers forgotten."""

    async def get(self, name: AnswerName) -> str | None:
        """Return an answer, if there is one."""
        answer, _ = await self._look(name)
        return answer

    async def set(self, name: AnswerName, answer: str, ttl: float) -> None:
        """Keep an answer for so many seconds."""
        _, generation = await self._look(name)
        await self._keep(name, answer, ttl, generation)

    async def delete(self, name: AnswerName) -> None:
        """Drop one answer."""
        self._leave_behind()
        await self._drop([str(name)])

    async def forget(self, prefix: str) -> None:
        """Drop all answers whose names begin so, and those that are being computed."""
        await self._drop([name for name in await self._distrust() if name.startswith(prefix)])

    async def forget_touched(self, feed: str, spans: Sequence[Span]) -> None:
        """Drop what was said about a feed and any of the spans, in order, that readings are of."""
        names = [(name, AnswerName.read(name)) for name in await self._distrust()]
        ends = [span.end for span in spans]

        def touched(said: AnswerName) -> bool:
            nearest = bisect_right(ends, said.span.begin)
            return nearest < len(spans) and said.span.touches(spans[nearest])

        await self._drop([n for n, said in names if said.feed == feed and touched(said)])

    async def remember(self, name: AnswerName, ttl: float, compute: Compute) -> str:
        """Return the answer, computed once however many wait here and in other processes."""
        running = self._running.get(str(name))
        if running is None:
            running = asyncio.create_task(self._find(name, ttl, compute))
            self._running[str(name)] = running
            self._tasks.add(running)
            running.add_done_callback(lambda task: self._found(str(name), task))
        return await asyncio.shield(running)

    async def aclose(self) -> None:
        """Give up what is being computed."""
        await end(*self._tasks)

    def _leave_behind(self) -> None:
        """Let nobody join what is on its way: it may be of before."""
        self.forgotten += 1
        self._running.clear()

    async def _find(self, name: AnswerName, ttl: float, compute: Compute) -> str:
        lock = self._keys.cache_lock(str(name))
        give_up = self._clock.monotonic() + LOCK_SECONDS
        while True:
            answer, generation = await self._look(name)
            if answer is not None:
                return answer
            with redis_errors():
                ours = await self._redis.set(lock, 1, nx=True, px=ceil(LOCK_SECONDS * 1_000))
            if ours or self._clock.monotonic() > give_up:
                break
            await asyncio.sleep(LOOK_SECONDS)
        end_of_ours = self._clock.monotonic() + LOCK_SECONDS
        try:
            # Between our look and our lock another process may have been quicker.
            answer, generation = await self._look(name)
            if answer is None:
                answer = await compute()
                await self._keep(name, answer, ttl, generation)
        finally:
            if ours and self._clock.monotonic() < end_of_ours:
                with redis_errors():
                    await self._redis.delete(lock)
        return answer

    def _found(self, name: str, task: asyncio.Task[str]) -> None:
        self._tasks.discard(task)
        if self._running.get(name) is task:
            del self._running[name]
        if not task.cancelled():
            task.exception()  # Whoever waited has seen it; they may all have gone.

    async def _look(self, name: AnswerName) -> tuple[str | None, str]:
        """Return the answer, and how often answers were forgotten."""
        with redis_errors():
            pipe = self._redis.pipeline(transaction=True)
            pipe.get(self._keys.cache(str(name)))
            pipe.get(self._keys.cache_generation)
            answer, generation = await pipe.execute()
        return answer, generation or "0"

    async def _keep(self, name: AnswerName, answer: str, ttl: float, generation: str) -> None:
        """Keep an answer, unless some were forgotten since it was begun: it may be of before."""
        if len(answer) > MOST_CHARACTERS:
            return
        keys = self._keys
        with redis_errors():
            await self._set(
                keys=[keys.cache(str(name)), keys.cache_names, keys.cache_generation],
                args=[
                    answer,
                    ceil(ttl * 1_000),
                    generation,
                    str(name),
                    keys.cache(""),
                    int(self._clock.now().timestamp() * 1_000),
                    MOST,
                ],
            )

    async def _distrust(self) -> list[str]:
        """Let nothing in that is being computed, and return the names of what is there."""
        self._leave_behind()
        with redis_errors():
            pipe = self._redis.pipeline(transaction=True)
            pipe.incr(self._keys.cache_generation)
            pipe.zrange(self._keys.cache_names, 0, -1)
            _, names = await pipe.execute()
        return list(names)

    async def _drop(self, names: list[str]) -> None:
        if not names:
            return
        with redis_errors():
            pipe = self._redis.pipeline(transaction=True)
            pipe.delete(*(self._keys.cache(name) for name in names))
            pipe.zrem(self._keys.cache_names, *names)
            await pipe.execute()

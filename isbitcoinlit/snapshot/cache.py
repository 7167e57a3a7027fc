"""The two-minute cache of the snapshot: memory first, then Redis, then one computation."""

import asyncio
import math
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, ResponseError

from isbitcoinlit.errors import LeaseLost, StorageError
from isbitcoinlit.events.event import EventKind
from isbitcoinlit.events.log import KEPT
from isbitcoinlit.fence import FENCED, GUARD, NO_FENCE, Fence
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import Snapshot
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.snapshot.document import from_json, to_json
from isbitcoinlit.snapshot.memory import Answer, CachePolicy, SnapshotMemory, Source
from isbitcoinlit.snapshot.reader import SnapshotReader
from isbitcoinlit.tasks import end

LOCK_SECONDS = 1.0
"""A computation takes milliseconds; whoever holds the lock for longer has died."""
WAIT_SECONDS = 0.02
"""How often a process that waits for another's computation looks for it, unless it is told."""
PATIENCE_SECONDS = 0.4
"""How long polls wait for Redis while there is a last snapshot that can be served instead."""
PAUSE_SECONDS = 1.0
"""After Redis failed, it is not asked again for this long."""

# KEYS: the fence, the snapshot, the events. ARGV: the fence's value, the snapshot, its time to
# live in milliseconds, how many events are kept, the kind of event, the feed, the newest reading's
# time. What is there already was told (redis-py sends again what got no answer), and what is there
# of a newer reading has overtaken this one.
_SHARE = (
    GUARD
    + """
local old = redis.pcall('GET', KEYS[2])
if old == ARGV[2] then return redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
if type(old) == 'string' and string.match(old, '"feed":"(.-)"') == ARGV[6]
    and (string.match(old, '"as_of":"(.-)"') or '') > ARGV[7] then return false end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'kind', ARGV[5], 'data', ARGV[2])
"""
)

log = get_logger()


class SnapshotCache:
    """Gives every poll an answer, with one computation however many polls and processes wait."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        reader: SnapshotReader,
        memory: SnapshotMemory,
        policy: CachePolicy,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._share = redis.register_script(_SHARE)
        self._reader = reader
        self._memory = memory
        self._policy = policy
        self._attempt: asyncio.Task[Answer] | None = None
        self._waiting: asyncio.Task[Answer] | None = None
        self._overdue = False
        self._sharing: set[asyncio.Task[None]] = set()
        self._received = asyncio.Event()
        self._failure: tuple[float, StorageError] | None = None

    async def get(self) -> Answer:
        """Return the snapshot; raises `NoData`, or a `StorageError` when even the last is too old.

        Whoever asks while a computation runs waits for that one, unless Redis failed the time
        before: then everybody gets the last snapshot while somebody looks whether it is back.
        """
        if answer := self._memory.answer():
            return answer
        if self._attempt is None:
            self._attempt = asyncio.create_task(self._try())
            self._attempt.add_done_callback(self._tried)
        if (self._overdue or self._failure) and (answer := self._memory.last_resort()):
            return answer
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._wait_for(self._attempt))
            self._waiting.add_done_callback(self._waited)
        return await asyncio.shield(self._waiting)

    def receive(self, text: str) -> None:
        """Take over a snapshot that another process has computed."""
        snapshot, known = self._read(text), self._memory.answer()
        if snapshot is None or (known and snapshot.as_of < known.snapshot.as_of):
            # A computation that a refresh has overtaken is older than what is here.
            return
        self._memory.remember(snapshot)
        self._received.set()

    async def share(self, snapshot: Snapshot, fence: Fence = NO_FENCE) -> None:
        """Write a snapshot to Redis, and tell the other processes.

        Raises a `StorageError`, or `LeaseLost` at the fence: another process has a newer one.
        """
        ttl, text = math.ceil(self._policy.ttl * 1_000), to_json(snapshot).decode()
        keys = [fence.key or self._keys.snapshot, self._keys.snapshot, self._keys.events]
        said = [snapshot.feed, snapshot.as_of.isoformat()]
        with redis_errors():
            try:
                await self._share(
                    keys=keys, args=[fence.value, text, ttl, KEPT, str(EventKind.SNAPSHOT), *said]
                )
            except ResponseError as error:
                if FENCED in str(error):
                    raise LeaseLost("Another process refreshes by now.") from error
                raise

    async def aclose(self) -> None:
        """Give up a computation, and finish what is still being written.

        Whatever went on behind our back would reconnect to a Redis that we have left.
        """
        await end(self._attempt, self._waiting)
        if self._sharing:
            await asyncio.wait(self._sharing, timeout=PAUSE_SECONDS)
        await end(*self._sharing)

    async def _wait_for(self, attempt: asyncio.Task[Answer]) -> Answer:
        """Wait on behalf of everybody; not for long while there is something else to serve."""
        done, _ = await asyncio.wait(
            [attempt], timeout=PATIENCE_SECONDS if self._memory.last_resort() else None
        )
        if not done and (last := self._memory.last_resort()):
            self._overdue = True
            return last
        try:
            return await asyncio.shield(attempt)
        except StorageError:
            if last := self._memory.last_resort():
                return last
            raise

    async def _try(self) -> Answer:
        """Get the snapshot from Redis, or compute it; soon after a failure, fail again."""
        clock = asyncio.get_running_loop().time
        if self._failure and clock() < self._failure[0]:
            raise self._failure[1]
        try:
            answer = await self._from_redis() or await self._compute_once()
        except StorageError as error:
            self._failure = (clock() + PAUSE_SECONDS, error)
            raise
        self._failure = None
        return answer

    def _tried(self, task: asyncio.Task[Answer]) -> None:
        self._attempt = None
        self._overdue = False
        _retrieve(task)

    def _waited(self, task: asyncio.Task[Answer]) -> None:
        self._waiting = None
        _retrieve(task)

    async def _from_redis(self) -> Answer | None:
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            pipe.get(self._keys.snapshot)
            pipe.pttl(self._keys.snapshot)
            text, milliseconds_left = await pipe.execute(raise_on_error=False)
            if isinstance(text, ResponseError) and "WRONGTYPE" not in str(text):
                raise text
        # Something else than a text is absent: the next snapshot that is shared replaces it.
        snapshot = self._read(text) if isinstance(text, str) else None
        if snapshot is None:
            return None
        self._memory.remember(snapshot, age=max(0.0, self._policy.ttl - milliseconds_left / 1_000))
        return self._memory.answer(Source.REDIS)

    def _read(self, text: str) -> Snapshot | None:
        """Read a snapshot that somebody else wrote; what is unreadable or foreign is absent."""
        try:
            snapshot = from_json(text)
        except ValueError as error:
            log.warning("cached-snapshot-unreadable", reason=str(error))
            return None
        return snapshot if self._reader.follow(snapshot.feed) else None

    async def _compute_once(self) -> Answer:
        """Compute, unless another process already does; then wait for what it finds."""
        lock = self._redis.lock(self._keys.snapshot_lock, timeout=LOCK_SECONDS, blocking=False)
        loop = asyncio.get_running_loop()
        give_up = loop.time() + LOCK_SECONDS
        while not await self._acquire(lock) and loop.time() < give_up:
            if answer := await self._from_another_process():
                return answer
        snapshot = None
        try:
            # Between our look and our lock another process may have been quicker.
            if answer := await self._from_redis():
                return answer
            snapshot = await self._reader.read()
            self._memory.remember(snapshot)
        finally:
            # Nobody who polls waits for the write.
            task = asyncio.create_task(self._settle(snapshot, lock))
            self._sharing.add(task)
            task.add_done_callback(self._sharing.discard)
        return Answer(snapshot, Source.COMPUTED, 0.0)

    async def _from_another_process(self) -> Answer | None:
        """Wait a little for the snapshot that another process computes, then look for it."""
        self._received.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                await self._received.wait()
                return self._memory.answer(Source.REDIS)
        return await self._from_redis()

    async def _acquire(self, lock: Lock) -> bool:
        with redis_errors():
            return bool(await lock.acquire())

    async def _settle(self, snapshot: Snapshot | None, lock: Lock) -> None:
        """Share what was computed, and let the next process compute."""
        try:
            if snapshot:
                await self.share(snapshot)
            with redis_errors(), suppress(LockError):
                await lock.release()
        except StorageError as error:
            log.warning("snapshot-not-shared", reason=str(error))


def _retrieve(task: asyncio.Task[Answer]) -> None:
    """Take note of how a task ended: whoever waited has seen it, and nobody may be left to."""
    if not task.cancelled():
        task.exception()

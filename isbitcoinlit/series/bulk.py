"""Many samples of one feed, stored as fast as one connection takes them.

redis-py's own `madd` spends more time on putting a command together than Redis on executing it, so
the bytes are made here. While Redis works on them the caller prepares the next; a few commands are
on their way at any time, and what Redis says to each sample is read and counted.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from isbitcoinlit.clock import HOUR_MILLISECONDS, to_milliseconds
from isbitcoinlit.errors import StorageError
from isbitcoinlit.models import PAIR, Metric, Span
from isbitcoinlit.redis_client import redis_errors, series_reply, translate
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.last_word import say_anyway
from isbitcoinlit.series.recent import Samples
from isbitcoinlit.series.store import SeriesStore, Tell, first_allowed, reason_of

COMMAND = 1_000
"""Samples in one TS.MADD."""
LATE_COMMAND = 100
"""The same for samples before the newest one, each of which makes Redis compute its hour and its
day anew: half a millisecond in which nobody else is served."""

IN_FLIGHT = 12
"""Commands that may be on their way: enough for Redis not to wait for us, about 1 MB."""
LOOK = 5_000
"""Samples that are asked for at a time: Redis is busy with them for about a millisecond."""
LOOKS = 20
"""Questions in one round trip, so that what comes back at once is bounded, too."""
GAP = HOUR_MILLISECONDS
"""What lies between two samples farther apart is not looked at: a file may be in any order."""
TELL_AFTER = 64
"""Commands between two times that others hear of what was stored."""


@dataclass(slots=True)
class BulkStored:
    """What was done so far, in samples."""

    added: int = 0
    already_stored: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Samples that Redis refused or would have, by reason."""


class BulkWriter:
    """Stores samples of one feed that Redis does not have; repeating it changes nothing."""

    def __init__(
        self, redis: Redis, keys: Keys, feed: str, *, retention_seconds: int = 0, tell: Tell
    ) -> None:
        """`tell` hears between which times samples were stored."""
        self._redis = redis
        self._keys = keys
        self._feed = feed
        self._store = SeriesStore(redis, keys, retention_seconds=retention_seconds)
        self._retention_ms = retention_seconds * 1_000
        self._tell = tell
        self._newest: dict[Metric, int] = {}
        self._connection: Any = None
        self._sent: list[int] = []
        """Samples of each command whose reply is still to be read."""
        self._untold: list[Span] = []
        """From the first to the last sample of each command that nobody has been told of."""
        self.stored = BulkStored()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["BulkWriter"]:
        """Hold a connection for the block; what was sent in it is stored when it ends well.

        However it ends, others hear of what was stored. Raises a `StorageError`, as `add` does.
        """
        await self._store.prepare(self._feed)
        pool: Any = self._redis.connection_pool
        with redis_errors():
            self._newest = await self._find_newest()
            self._connection = await pool.get_connection()
        try:
            yield self
            await self._settle()
            await self._tell_all()
        finally:
            if self._untold:
                await say_anyway(self._settle_and_tell())
            if self._sent:
                # Nobody else may be given the replies that are still to come.
                await self._connection.disconnect(nowait=True)
            await pool.release(self._connection)

    async def add(self, samples: Mapping[Metric, Samples]) -> None:
        """Send what is new; whether Redis took it is known after the next call, or the end."""
        wanted = {metric: found for metric, found in samples.items() if found}
        await self._store.prepare(self._feed, {*PAIR, *wanted})
        commands: list[bytes] = []
        sent: list[int] = []
        spans: list[Span] = []
        for metric, found in wanted.items():
            new = self._young_enough(await self._missing(metric, found))
            key = self._keys.series(self._feed, metric)
            late = new and new[0][0] <= self._newest.get(metric, -1)
            step = LATE_COMMAND if late else COMMAND
            for start in range(0, len(new), step):
                rows = new[start : start + step]
                commands.append(packed(key, rows))
                sent.append(len(rows))
                spans.append(Span(rows[0][0], rows[-1][0] + 1))
            if new:
                self._newest[metric] = max(self._newest.get(metric, 0), new[-1][0])
        await self._settle(leave=max(0, IN_FLIGHT - len(commands)))
        if commands:
            self._sent += sent
            self._untold += spans
            with redis_errors():
                await self._connection.send_packed_command(commands)
        if len(self._untold) > TELL_AFTER:
            await self._settle()
            await self._tell_all()

    async def _missing(self, metric: Metric, samples: Samples) -> list[tuple[int, float]]:
        """Return, in order of time, the samples that Redis lacks."""
        rows = sorted(samples.items())
        if rows[0][0] > self._newest.get(metric, -1):
            return rows
        await self._settle()
        known = await self._known(metric, [time for time, _ in rows])
        missing = [row for row in rows if row[0] not in known]
        self.stored.already_stored += len(rows) - len(missing)
        return missing

    async def _known(self, metric: Metric, times: Sequence[int]) -> set[int]:
        """Return what Redis has near these times, which are in order."""
        key = self._keys.series(self._feed, metric)
        known: set[int] = set()
        spans = list(_stretches(times))
        while spans:
            asked, spans = spans[:LOOKS], spans[LOOKS:]
            with redis_errors():
                pipe = self._redis.pipeline(transaction=False)
                for span in asked:
                    pipe.ts().range(key, span.begin, span.end - 1, count=LOOK)
                replies = await pipe.execute(raise_on_error=False)
            for span, reply in zip(asked, replies, strict=True):
                found = [time for time, _ in series_reply(reply) or ()]
                known.update(found)
                if len(found) == LOOK and found[-1] + 1 < span.end:
                    spans.append(Span(found[-1] + 1, span.end))
        return known

    def _young_enough(self, rows: list[tuple[int, float]]) -> list[tuple[int, float]]:
        """Leave out what has expired, as the store does."""
        if not self._retention_ms or not rows:
            return rows
        newest = max(rows[-1][0], *self._newest.values(), 0)
        oldest = first_allowed(newest, self._retention_ms)
        kept = [row for row in rows if row[0] >= oldest]
        self.stored.rejected["older-than-retention"] += len(rows) - len(kept)
        return kept

    async def _settle(self, leave: int = 0) -> None:
        """Read the replies that are still to come, but for so many."""
        while len(self._sent) > leave:
            with redis_errors():
                try:
                    # Interrupted, it can be gone on with.
                    replies = await self._connection.read_response(disconnect_on_error=False)
                except ResponseError as error:
                    self._sent.pop(0)
                    raise translate(error) from error
            self._sent.pop(0)
            refused = [reply for reply in replies if isinstance(reply, ResponseError)]
            self.stored.added += len(replies) - len(refused)
            self.stored.rejected.update(map(reason_of, refused))

    async def _settle_and_tell(self) -> None:
        """Say what was stored, or may have been: all that was sent."""
        with suppress(StorageError):
            await self._settle()
        await self._tell_all()

    async def _tell_all(self) -> None:
        """Say between which times samples were stored."""
        if self._untold:
            begin = min(span.begin for span in self._untold)
            end = max(span.end for span in self._untold)
            await self._tell(self._feed, [Span(begin, end)])
            self._untold = []

    async def _find_newest(self) -> dict[Metric, int]:
        """Return the time of the last sample of each metric that has one, in milliseconds."""
        found = await self._store.newest(self._feed, tuple(Metric))
        return {metric: to_milliseconds(time) for metric, (time, _) in found.items()}


def _stretches(times: Sequence[int]) -> Iterator[Span]:
    """Return from when to when there are times, cut where there is none for long."""
    first = last = times[0]
    for time in times:
        if time - last > GAP:
            yield Span(first, last + 1)
            first = time
        last = time
    yield Span(first, last + 1)


def packed(key: str, rows: list[tuple[int, float]]) -> bytes:
    """Return the bytes of one TS.MADD (RESP): all arguments as texts with their lengths."""
    prefix = f"${len(key.encode())}\r\n{key}\r\n$"
    words = [f"*{3 * len(rows) + 1}\r\n$7\r\nTS.MADD\r\n"]
    for time, value in rows:
        at, number = str(time), repr(value)
        words.append(f"{prefix}{len(at)}\r\n{at}\r\n${len(number)}\r\n{number}\r\n")
    return "".join(words).encode()

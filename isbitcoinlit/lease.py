"""At most one process does a piece of work at a time, and once per interval."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from isbitcoinlit.errors import LeaseLost, StorageError
from isbitcoinlit.fence import NO_FENCE, Fence
from isbitcoinlit.log import get_logger
from isbitcoinlit.patience import patience_for, ride_out
from isbitcoinlit.redis_client import finder_of, redis_errors
from isbitcoinlit.tasks import running

HOLD_SECONDS = 10.0
"""A holder that dies is replaced after this; a living one renews three times as often."""
SHORTEST_HOLD_SECONDS = 1.0
"""For short intervals, so that two of them are enough to replace a holder."""

# The lease's value is `held:<token>` while somebody works, and `done:<token>` from then until
# the next turn is overdue: until then only the process that did the last turn may do the next.
# Every taking raises the fence beside it, a number and a name, which is checked with every write.
# Who asks again under the same name has not got the answer to a taking that succeeded.
_TAKE = """
local value = redis.call('GET', KEYS[1])
local untold = KEYS[3] and redis.call('GET', KEYS[3]) or ''
local fence = redis.call('GET', KEYS[2]) or '0:'
local number, name = string.match(fence, '^(%d+):(.*)$')
if value == 'held:' .. ARGV[1] and name == ARGV[4] then return {fence, untold} end
if value and value ~= 'done:' .. ARGV[1] then
    if ARGV[3] == '0' or string.sub(value, 1, 5) == 'held:' then return false end
end
fence = string.format('%.0f:%s', (number or 0) + 1, ARGV[4])
redis.call('SET', KEYS[2], fence)
redis.call('SET', KEYS[1], 'held:' .. ARGV[1], 'PX', ARGV[2])
return {fence, untold}
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= 'held:' .. ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_FINISH = """
if redis.call('GET', KEYS[1]) ~= 'held:' .. ARGV[1] then return 0 end
if KEYS[2] then redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4]) end
if tonumber(ARGV[2]) <= 0 then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], 'done:' .. ARGV[1], 'PX', ARGV[2])
return 1
"""
_LEAVE = """
if redis.call('GET', KEYS[1]) ~= 'done:' .. ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

_WORD_SECONDS = 86_400

log = get_logger()


@dataclass(frozen=True, slots=True)
class Word:
    """What the holder leaves for other processes to read."""

    key: str
    """Under the same hash tag as the lease's own."""
    text: str


class Lease:
    """The right to do the work, under one key of one Redis."""

    def __init__(
        self, redis: Redis, key: str, *, hold: float | None = None, untold: str = ""
    ) -> None:
        """`untold` is a key for what is stored under the lease and to be told, see `Fence`."""
        self._key = key
        self._hold = HOLD_SECONDS if hold is None else hold
        self._fence_key = f"{key}:fence"
        self._patience = patience_for(redis)
        self._finder = finder_of(redis)
        self.fence = NO_FENCE
        """What shows with a write that nobody has taken the lease since; from the last taking."""
        self.left_untold = False
        """Whether somebody before us stored what nobody was told of, as of the last taking."""
        self._untold = untold
        self._token = secrets.token_hex(8)
        self._take = redis.register_script(_TAKE)
        self._renew = redis.register_script(_RENEW)
        self._finish = redis.register_script(_FINISH)
        self._leave = redis.register_script(_LEAVE)

    async def take(self, *, forced: bool = False) -> bool:
        """Take the lease, unless somebody holds it or (if not forced) it is another's turn.

        Waits for a primary that is being replaced; raises a `StorageError`.
        """
        name = secrets.token_hex(4)
        arguments: list[str | int] = [*(self._token, _milliseconds(self._hold), int(forced), name)]
        keys = [self._key, self._fence_key, *filter(None, [self._untold])]

        async def try_it() -> list[str] | None:
            with redis_errors():
                if self._finder and self._finder.must_be_asked:
                    await self._finder.find()
                taken: list[str] | None = await self._take(keys=keys, args=arguments)
                return taken

        taken = await ride_out(self._patience, try_it)
        if taken:
            fence, untold = taken
            self.left_untold = untold not in {"", self.fence.value}
            self.fence = Fence(self._fence_key, fence, self._untold)
        return bool(taken)

    async def finish(self, *, rest: float = 0.0, word: Word | None = None) -> None:
        """Give the lease back, and let nobody else take it unforced for `rest` seconds.

        The word is left with it, at the cost of no further round trip. Raises `LeaseLost` when it
        was no longer ours.
        """
        with redis_errors():
            keys = [self._key]
            arguments: list[str | int] = [self._token, _milliseconds(rest)]
            if word:
                keys.append(word.key)
                arguments += [word.text, _WORD_SECONDS]
            done = await self._finish(keys=keys, args=arguments)
        if not done:
            raise LeaseLost("The lease ended while the work was still going on.")

    async def leave(self) -> None:
        """Let another process have the next turn at once."""
        with redis_errors():
            await self._leave(keys=[self._key], args=[self._token])

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Keep the lease for as long as the block takes."""
        async with running(self._renew_for_ever()):
            yield

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._hold / 3)
            try:
                with redis_errors():
                    arguments: list[str | int] = [self._token, _milliseconds(self._hold)]
                    await self._renew(keys=[self._key], args=arguments)
            except StorageError as error:
                # The lease lasts two more turns of this loop, and the work itself will notice.
                log.warning("lease-not-renewed", reason=str(error))


def hold_for(interval: float) -> float:
    """Return how long to hold a lease for work that is done every so many seconds."""
    return min(HOLD_SECONDS, max(SHORTEST_HOLD_SECONDS, interval))


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1_000)

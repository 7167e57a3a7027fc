"""The last events of all processes, in a Redis Stream of bounded length."""

import secrets
from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis

from isbitcoinlit.events.event import Event, EventKind
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys

KEPT = 1_000
"""About four hours of a refresh every 30 s, in half a megabyte; Redis keeps up to 100 more."""

# redis-py sends again what got no answer, also if Redis has done it. So each appending has a name
# of 16 letters, of which the last eight are known, and is done once.
_APPEND = """
local names = redis.call('HGET', KEYS[1], 'appended') or ''
if string.find(names, ARGV[1], 1, true) then return end
redis.call('HSET', KEYS[1], 'appended', string.sub(ARGV[1] .. names, 1, 128))
redis.call('DEL', KEYS[3])
for i = 3, #ARGV, 2 do
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'kind', ARGV[i], 'data', ARGV[i + 1])
end
"""
# Any number of processes may notice the same change: one of them tells it.
_CHANGE = """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return false end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*',
    'kind', ARGV[4], 'data', ARGV[5], 'subject', ARGV[1], 'state', ARGV[2])
"""

Telling = tuple[EventKind, str]
"""An event that Redis has not given an id yet: its kind and its JSON."""


class EventLog:
    """Appends events and reads them; every method raises `RedisUnavailable`."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._append = redis.register_script(_APPEND)
        self._change = redis.register_script(_CHANGE)

    async def append(self, tellings: Iterable[Telling]) -> None:
        """Append events, in one round trip and in this order."""
        fields = [field for telling in tellings for field in telling]
        with redis_errors():
            await self._append(
                keys=[self._keys.status, self._keys.events, self._keys.untold],
                args=[secrets.token_hex(8), KEPT, *fields],
            )

    async def append_change(self, subject: str, state: str, data: str) -> None:
        """Append a `status` event, unless the subject was last told to be in this state."""
        with redis_errors():
            await self._change(
                keys=[self._keys.status, self._keys.events],
                args=[subject, state, KEPT, EventKind.STATUS, data],
            )

    async def newest(self) -> list[Event]:
        """Return the last events, oldest first."""
        with redis_errors():
            rows: Any = await self._redis.xrevrange(self._keys.events, count=KEPT)
        return [_event(row) for row in reversed(rows)]

    async def holds(self, identity: str) -> bool:
        """Tell whether an event is still there, and so everything after it."""
        with redis_errors():
            return bool(await self._redis.xrange(self._keys.events, identity, identity))

    async def after(self, identity: str, *, wait_seconds: float = 0.0) -> list[Event]:
        """Return what came after an event; if that is nothing, wait for it for a while."""
        # Without a wait there must be no BLOCK at all: 0 would be for ever.
        block = int(wait_seconds * 1_000) or None
        with redis_errors():
            reply: Any = await self._redis.xread({self._keys.events: identity}, block=block)
        return [_event(row) for _, rows in reply for row in rows]


def _event(row: Any) -> Event:
    """Read an entry of the stream; one that this version cannot read is something not told."""
    identity, fields = row
    try:
        kind, data = EventKind(fields["kind"]), fields["data"]
    except (KeyError, ValueError):
        return Event(identity, EventKind.RESYNC, '{"reason":"unknown-event"}')
    return Event(identity, kind, data, fields.get("subject", ""), fields.get("state", ""))

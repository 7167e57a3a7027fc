"""Sessions: each login is one, and all its tokens end with it."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock, from_milliseconds, to_milliseconds
from isbitcoinlit.errors import TokenRefused
from isbitcoinlit.log import get_logger
from isbitcoinlit.operators.tokens import LEEWAY_SECONDS, REFRESH_SECONDS, Claims
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys

log = get_logger()

MOST = 20
"""Sessions of one operator; beyond that the one used longest ago ends."""

# KEYS: a session, its operator's sessions. ARGV: generation, time to live, now, session, call.
# Answers with the next generation; 0 when there is no session; -1 when the token was used before,
# by its owner or by a thief: nobody can tell, so the session ends. The same call may come twice,
# when the connection breaks before the answer.
_ROTATE = """
local generation = redis.call('HGET', KEYS[1], 'generation')
if not generation then return 0 end
if generation ~= ARGV[1] then
    if redis.call('HGET', KEYS[1], 'call') == ARGV[5] then return tonumber(generation) end
    redis.call('DEL', KEYS[1])
    redis.call('ZREM', KEYS[2], ARGV[4])
    return -1
end
redis.call('HSET', KEYS[1], 'seen', ARGV[3], 'call', ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return redis.call('HINCRBY', KEYS[1], 'generation', 1)
"""


@dataclass(frozen=True, slots=True)
class Session:
    """One login, for as long as its tokens are renewed."""

    id: str
    operator: str
    since: datetime
    seen: datetime
    """When it was last refreshed."""
    address: str
    """Where the login came from."""


class TokenReused(TokenRefused):
    """A refresh token was used for the second time."""


class Sessions:
    """Keeps sessions in Redis; everything here may raise `RedisUnavailable`."""

    def __init__(self, redis: Redis, keys: Keys, clock: Clock) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._rotate = redis.register_script(_ROTATE)

    async def begin(self, operator: str, address: str) -> str:
        """Begin a session, and return its id; its first generation is 1."""
        session, now = secrets.token_hex(16), to_milliseconds(self._clock.now())
        told: dict[Any, Any] = {
            "operator": operator,
            "since": now,
            "seen": now,
            "address": address,
            "generation": 1,
        }
        with redis_errors():
            pipe = self._redis.pipeline(transaction=True)
            pipe.hset(self._session(session), mapping=told)
            pipe.expire(self._session(session), REFRESH_SECONDS)
            pipe.zadd(self._index(operator), {session: now})
            pipe.expire(self._index(operator), REFRESH_SECONDS)
            pipe.zrange(self._index(operator), 0, -MOST - 1)
            *_, too_many = await pipe.execute()
        for oldest in too_many:
            await self.end(operator, oldest)
        return session

    async def rotate(self, claims: Claims) -> int:
        """Use up a refresh token, and return the next generation.

        Raises `TokenReused`, having ended the session, or `TokenRefused`.
        """
        now, call = to_milliseconds(self._clock.now()), secrets.token_hex(8)
        with redis_errors():
            generation = await self._rotate(
                keys=[self._session(claims.session), self._index(claims.operator)],
                args=[claims.generation, REFRESH_SECONDS, now, claims.session, call],
            )
        if generation == 0:
            raise TokenRefused("The session has ended; log in again.")
        if generation < 0:
            raise TokenReused("This refresh token was used before; its session has been ended.")
        return int(generation)

    async def check(self, claims: Claims) -> None:
        """Raise `TokenRefused` unless the token's session goes on and its operator still is one."""
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            pipe.hget(self._session(claims.session), "operator")
            pipe.exists(self._blacklisted(claims.token))
            pipe.hexists(self._keys.operators("accounts"), claims.operator)
            operator, blacklisted, known = await pipe.execute()
        if operator != claims.operator or blacklisted or not known:
            raise TokenRefused("The session has ended; log in again.")

    async def blacklist(self, claims: Claims) -> None:
        """Refuse a token from now on, remembered for just as long as it would live."""
        left = claims.expires + LEEWAY_SECONDS - self._clock.now().timestamp()
        if left > 0:
            with redis_errors():
                await self._redis.set(self._blacklisted(claims.token), 1, px=int(left * 1_000) + 1)

    async def of(self, operator: str) -> list[Session]:
        """Return an operator's sessions, the one used last first."""
        with redis_errors():
            ids: Any = await self._redis.zrevrange(self._index(operator), 0, -1)
            pipe = self._redis.pipeline(transaction=False)
            for session in ids:
                pipe.hgetall(self._session(session))
            stored = await pipe.execute()
        read = (_read(i, fields) for i, fields in zip(ids, stored, strict=True) if fields)
        return [session for session in read if session]

    async def end(self, operator: str, session: str) -> bool:
        """End one of an operator's sessions; False if it is not one of theirs."""
        with redis_errors():
            if not await self._redis.zrem(self._index(operator), session):
                return False
            await self._redis.delete(self._session(session))
        return True

    async def end_all(self, operator: str) -> None:
        """End all sessions of an operator."""
        for session in await self.of(operator):
            await self.end(operator, session.id)

    def _session(self, session: str) -> str:
        return self._keys.operators("session", session)

    def _index(self, operator: str) -> str:
        return self._keys.operators("sessions", operator)

    def _blacklisted(self, token: str) -> str:
        return self._keys.operators("blacklisted", token)


def _read(session: str, fields: dict[str, str]) -> Session | None:
    """Read a session; one that cannot be read is absent."""
    try:
        return Session(
            session,
            fields["operator"],
            from_milliseconds(int(fields["since"])),
            from_milliseconds(int(fields["seen"])),
            fields["address"],
        )
    except (ValueError, LookupError, OverflowError) as error:
        log.warning("stored-session-unreadable", reason=repr(error))
        return None

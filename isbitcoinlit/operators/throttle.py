"""Makes guessing passwords slow, without locking out whoever knows theirs."""

from hashlib import sha256

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock, to_milliseconds
from isbitcoinlit.errors import LoginThrottled
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys

FREE = 5
"""Failures in a row that cost nothing: people mistype."""
LONGEST_WAIT = 900
"""Seconds; a wait doubles from 1 with each failure, up to this."""
REMEMBER_SECONDS = 3_600
"""After so long without a failure, all is forgotten."""

# KEYS: the address, the name. ARGV: now, free failures, longest wait, time to live; times in ms.
# Answers with the wait, or counts the try as failed (who succeeds is forgiven) and answers 0, so
# that a hundred tries at once are not a hundred free ones. A name under attack waits only for
# addresses that have failed before: its owner, elsewhere, gets in.
_TRY = """
local now = tonumber(ARGV[1])
local function wait(key)
    return math.max(0, tonumber(redis.call('HGET', key, 'until') or 0) - now)
end
local failed_before = redis.call('EXISTS', KEYS[1]) == 1
local left = wait(KEYS[1])
if failed_before then left = math.max(left, wait(KEYS[2])) end
if left > 0 then return left end
for _, key in ipairs(KEYS) do
    local failures = redis.call('HINCRBY', key, 'failures', 1)
    local over = failures - tonumber(ARGV[2])
    if over >= 0 then
        local pause = math.min(1000 * 2 ^ math.min(over, 20), tonumber(ARGV[3]))
        redis.call('HSET', key, 'until', string.format('%.0f', now + pause))
    end
    redis.call('PEXPIRE', key, ARGV[4])
end
return 0
"""
# KEYS: the address, the name. Takes back what the address failed at, and no other's failures.
_FORGIVE = """
local failures = tonumber(redis.call('HGET', KEYS[1], 'failures') or 0)
redis.call('DEL', KEYS[1])
if redis.call('HINCRBY', KEYS[2], 'failures', -failures) <= 0 then redis.call('DEL', KEYS[2]) end
"""


class Throttle:
    """Counts failed logins by name and by address, for all processes."""

    def __init__(self, redis: Redis, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._try = redis.register_script(_TRY)
        self._forgive = redis.register_script(_FORGIVE)

    async def begin(self, name: str, address: str) -> None:
        """Begin a login; raises `LoginThrottled` when it comes too early, or `RedisUnavailable`."""
        now = to_milliseconds(self._clock.now())
        limits = (now, FREE, LONGEST_WAIT * 1_000, REMEMBER_SECONDS * 1_000)
        with redis_errors():
            wait = await self._try(keys=self._pair(name, address), args=limits)
        if wait:
            raise LoginThrottled(
                "There were too many failed logins; wait before the next one.",
                retry_after=int(wait) / 1_000,
            )

    async def forgive(self, name: str, address: str) -> None:
        """Note that a login succeeded; raises `RedisUnavailable`."""
        with redis_errors():
            await self._forgive(keys=self._pair(name, address))

    def _pair(self, name: str, address: str) -> list[str]:
        return [
            self._keys.operators("failures", kind, sha256(what.encode()).hexdigest()[:32])
            for kind, what in (("address", address), ("name", name))
        ]

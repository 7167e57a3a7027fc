"""Settles the counts of this process with those of the others, through Redis."""

from collections.abc import Sequence

from redis.asyncio import Redis

from isbitcoinlit.limits.pseudonyms import Pseudonyms
from isbitcoinlit.limits.window import Change, GroupLimiter
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys

BATCH = 500
"""Clients in one call, which Redis answers in about a millisecond."""

# KEYS: this window's counts and the last one's. ARGV: their time to live, then client, number in
# this window, number in the last one, … Answers with the totals of both windows for each client.
_ADD = """
local totals = {}
local function add(key, client, number)
    local total = redis.call('HGET', key, client)
    if number ~= '0' then total = redis.call('HINCRBY', key, client, number) end
    totals[#totals + 1] = tonumber(total or 0)
end
for i = 2, #ARGV, 3 do
    add(KEYS[1], ARGV[i], ARGV[i + 1])
    add(KEYS[2], ARGV[i], ARGV[i + 2])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return totals
"""


class SharedCounts:
    """The counts of all processes, one hash for each group and window."""

    def __init__(self, redis: Redis, keys: Keys, pseudonyms: Pseudonyms) -> None:
        self._keys = keys
        self._pseudonyms = pseudonyms
        self._add = redis.register_script(_ADD)

    async def settle(self, name: str, limiter: GroupLimiter, changes: Sequence[Change]) -> None:
        """Send what is new and learn what the others counted; raises `RedisUnavailable`.

        What cannot be sent is not sent later: it counts here, and the others do without.
        """
        for start in range(0, len(changes), BATCH):
            await self._settle(name, limiter, changes[start : start + BATCH])

    async def _settle(self, name: str, limiter: GroupLimiter, changes: Sequence[Change]) -> None:
        number = limiter.number()
        arguments: list[str | int] = [2 * limiter.rate.seconds + 1]
        for change in changes:
            arguments += (self._pseudonyms.of(change.window.client), change.allowed, change.late)
        with redis_errors():
            totals = await self._add(
                keys=[self._keys.limit(name, number), self._keys.limit(name, number - 1)],
                args=arguments,
            )
        for change, total, previous in zip(changes, totals[::2], totals[1::2], strict=True):
            # What came while Redis answered is not in its total; what failed to arrive is ours.
            window = change.window
            if window.ends == change.ends:
                window.current = max(window.current, total + window.unsent)
                window.previous = max(window.previous, previous)
            else:  # It ended while Redis answered.
                window.previous = max(window.previous, total + window.late)

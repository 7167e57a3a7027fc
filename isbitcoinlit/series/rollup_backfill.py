"""Builds the roll-ups of readings that were stored before there were rules.

A rule sees what is written after it was made. For what was there before, each bucket is computed
from the readings and written by one script, so that a reading that comes late cannot fall between.
Repeating any part of it changes nothing, so it may be interrupted at any time.
"""

from redis.asyncio import Redis

from isbitcoinlit.clock import from_milliseconds
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import PAIR, Metric
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.buckets import DAY_MILLISECONDS
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.rules import Rule, rules_of

STEP = 20 * DAY_MILLISECONDS
"""What one script builds: 480 hours of 58,000 samples, which block Redis for about 3 ms."""

_BUILD = """
local rows = redis.call('TS.RANGE', KEYS[1], ARGV[1], ARGV[2], 'AGGREGATION', ARGV[3], ARGV[4])
if #rows == 0 then return 0 end
local samples = {'TS.MADD'}
for _, row in ipairs(rows) do
    local value = row[2]
    if type(value) == 'table' then value = value.ok or value.double end
    samples[#samples + 1] = KEYS[2]
    samples[#samples + 1] = row[1]
    samples[#samples + 1] = value
end
redis.call(unpack(samples))
return #rows
"""

log = get_logger()


class RollupBackfill:
    """Brings the roll-ups of a feed up to date with its readings, once."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._build = redis.register_script(_BUILD)

    async def is_complete(self, feed: str) -> bool:
        """Tell whether the roll-ups of a feed hold all of its readings."""
        with redis_errors():
            states = await self._redis.hmget(
                self._keys.rollups, [self._keys.series(feed, metric) for metric in PAIR]
            )
        return all(states)

    async def run(self, feed: str) -> None:
        """Build what is not complete of series whose rules exist; raises a `StorageError`."""
        with redis_errors():
            state = {
                str(k): str(v) for k, v in (await self._redis.hgetall(self._keys.rollups)).items()
            }
        for metric in PAIR:
            if self._keys.series(feed, metric) not in state:
                await self._complete(feed, metric, state)

    async def _complete(self, feed: str, metric: Metric, state: dict[str, str]) -> None:
        wanted = [r for r in rules_of(self._keys, feed, metric) if r.destination in state]
        for number, rule in enumerate(wanted, start=1):
            await self._fill(rule, until=int(state[rule.destination]))
            log.info(
                "rollup-built",
                feed=feed,
                metric=metric,
                interval=rule.level,
                part=rule.part,
                done=f"{number} of {len(wanted)}",
            )
        with redis_errors():
            await self._redis.hset(self._keys.rollups, self._keys.series(feed, metric), "1")

    async def _fill(self, rule: Rule, until: int) -> None:
        """Build one roll-up, up to the bucket in which its rule was made."""
        end = until - until % rule.level.width + rule.level.width
        with redis_errors():
            oldest = await self._redis.ts().range(rule.source, "-", "+", count=1)
        first = int(oldest[0][0]) if oldest else end
        for begin in range(first - first % STEP, end, STEP):
            log.debug("rollup-building", key=rule.destination, at=str(from_milliseconds(begin)))
            with redis_errors():
                await self._build(
                    keys=[rule.source, rule.destination],
                    args=[begin, min(begin + STEP, end) - 1, rule.part, rule.level.width],
                )
        with redis_errors():
            await self._redis.hdel(self._keys.rollups, rule.destination)

"""Compaction rules: Redis itself keeps hours and days of a series, late readings included.

The hash `Keys.rollups` has a field for every series whose roll-ups hold all of it, and one for
every roll-up that still lacks what was stored before its rule: the time of the last reading then.
"""

from dataclasses import dataclass

from redis.asyncio import Redis

from isbitcoinlit.models import Metric
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.buckets import ROLLED_UP, Level, Part
from isbitcoinlit.series.keys import Keys

# One script, because nothing may be written between its steps. A new rule on a series with samples
# is blind in two ways, both found by trying all orders of writing against the server:
#
# * It knows nothing of the bucket it is made in, nor which one that is, until a sample is appended;
#   a late sample before that spoils the bucket after. So the newest sample is taken out, the rules
#   are made, it is appended, and then written once more, which changes nothing (the policy is
#   `first`) but makes each rule read its whole bucket. TS.DEL can crash the server on a series with
#   rules, so it has none at that moment.
# * A late sample makes its rule write a bucket beyond what the server takes for the roll-up's last
#   time; writing that bucket again would then append a second one. With the bucket of the newest
#   sample written first, whatever the backfill writes is an update.
_MAKE = """
local source, state = KEYS[1], KEYS[2]
local newest = redis.call('TS.GET', source)
local function text(value) return type(value) == 'table' and (value.ok or value.double) or value end
local function call(command, i, ...) return redis.pcall(command, source, KEYS[i], ...) end
local function aggregation(i) return 'AGGREGATION', ARGV[2 * i - 5], ARGV[2 * i - 4] end
local fresh = {}
for i = 3, #KEYS do
    local reply = call('TS.CREATERULE', i, aggregation(i))
    if not reply.err then fresh[#fresh + 1] = i
    elseif not string.find(reply.err, 'already has a src rule', 1, true) then return reply end
end
if #newest == 0 then return redis.call('HSET', state, source, 1) end
if #fresh == 0 then return 0 end
redis.call('HDEL', state, source)
for _, i in ipairs(fresh) do
    local width = tonumber(ARGV[2 * i - 4])
    local rows = redis.call('TS.RANGE', source, newest[1] - newest[1] % width, newest[1],
        aggregation(i))
    redis.call('TS.ADD', KEYS[i], rows[1][1], text(rows[1][2]))
    redis.call('HSET', state, KEYS[i], newest[1])
end
for i = 3, #KEYS do call('TS.DELETERULE', i) end
redis.call('TS.DEL', source, newest[1], newest[1])
for i = 3, #KEYS do call('TS.CREATERULE', i, aggregation(i)) end
redis.call('TS.MADD', source, newest[1], text(newest[2]))
redis.call('TS.MADD', source, newest[1], text(newest[2]))
return #fresh
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """Redis keeps one part of every bucket of a series in another series."""

    source: str
    destination: str
    part: Part
    level: Level


def rules_of(keys: Keys, feed: str, metric: Metric) -> list[Rule]:
    """Return the rules of a series: exact hours and days of whatever can be rolled up."""
    return [
        Rule(keys.series(feed, metric), keys.rollup(feed, metric, level, part), part, level)
        for level in Level
        for part in ROLLED_UP
    ]


class Rules:
    """Makes the rules of a series."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._keys = keys
        self._make = redis.register_script(_MAKE)

    async def make(self, feed: str, metric: Metric) -> None:
        """Make the rules that are missing, between series that exist."""
        wanted = rules_of(self._keys, feed, metric)
        keys = [
            self._keys.series(feed, metric),
            self._keys.rollups,
            *(rule.destination for rule in wanted),
        ]
        arguments = [word for rule in wanted for word in (rule.part, rule.level.width)]
        with redis_errors():
            await self._make(keys=keys, args=arguments)

"""Looks whether every key of ours holds the kind of thing that it should."""

import re
from dataclasses import dataclass

from redis.asyncio import Redis

from isbitcoinlit.models import Metric
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys

_METRICS = "|".join(Metric)
KINDS = {
    rf"(?!reports|usage|operators|cache|live:(headlines|visits))"
    rf"[^:]+:({_METRICS})(:[^:]+){{0,2}}": "TSDB-TYPE",
    r"schema|untold|snapshot|snapshot:lock|lease:.*|reports:.*|usage:secret": "string",
    r"operators:(signing-key|blacklisted:.*)|cache-generation|(cache|cache-lock):.*": "string",
    r"events|operators:audit": "stream",
    r"status|rollups|live:visits|limit:.*|usage:(totals|gauges).*": "hash",
    r"operators:(accounts|session:.*|failures:.*)": "hash",
    r"live:headlines|operators:sessions:.*|cache-names": "zset",
    r"backfilled:.*": "set",
}
"""What Redis calls the type of a key, by its name after the prefix; other keys are not judged."""


@dataclass(frozen=True, slots=True)
class WrongKey:
    """A key that the service cannot work with."""

    key: str
    found: str
    wanted: str


async def wrong_keys(redis: Redis, keys: Keys) -> list[WrongKey]:
    """Return the keys of a wrong type; raises a `StorageError`."""
    prefix = keys.schema.removesuffix("schema")
    with redis_errors():
        found = sorted([str(key) async for key in redis.scan_iter(f"{prefix}*", count=1_000)])
        pipe = redis.pipeline(transaction=False)
        for key in found:
            pipe.type(key)
        kinds = await pipe.execute()
    wrong = []
    for key, kind in zip(found, kinds, strict=True):
        wanted = kind_of(key.removeprefix(prefix))
        if wanted and kind not in {wanted, "none"}:  # It may have ended in between.
            wrong.append(WrongKey(key, kind, wanted))
    return wrong


def kind_of(name: str) -> str | None:
    """Return the type that a key of that name should have."""
    return next((kind for pattern, kind in KINDS.items() if re.fullmatch(pattern, name)), None)

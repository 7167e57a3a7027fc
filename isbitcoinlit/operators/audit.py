"""What operators did, in a stream of bounded length."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock, from_milliseconds, to_milliseconds
from isbitcoinlit.errors import StorageError
from isbitcoinlit.log import get_logger
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys

LONGEST = 10_000
"""Events that are kept, about 200 bytes each."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that an operator, or somebody who is not one, did."""

    id: str
    time: datetime
    who: str
    what: str
    address: str
    """Where from: a network address, or `command line`."""
    result: str


class Audit:
    """Writes and reads the stream."""

    def __init__(self, redis: Redis, keys: Keys, clock: Clock) -> None:
        self._redis = redis
        self._key = keys.operators("audit")
        self._clock = clock

    async def note(self, who: str, what: str, address: str, result: str = "ok") -> None:
        """Write an event to the log and to Redis; what is done is done, so this never raises."""
        log.info("audit", who=who, what=what, address=address, result=result)
        fields: dict[Any, Any] = {
            "time": to_milliseconds(self._clock.now()),
            "who": who,
            "what": what,
            "from": address,
            "result": result,
        }
        try:
            with redis_errors():
                await self._redis.xadd(self._key, fields, maxlen=LONGEST, approximate=True)
        except StorageError as error:
            log.warning("audit-not-stored", reason=str(error))

    async def read(self, count: int, before: str | None = None) -> list[AuditEvent]:
        """Return the newest events, those before the given one; raises `RedisUnavailable`."""
        if before is not None and not before.strip("0-"):
            return []  # Redis calls what is before the least id an error.
        with redis_errors():
            entries: Any = await self._redis.xrevrange(
                self._key, max=f"({before}" if before else "+", min="-", count=count
            )
        return [
            AuditEvent(
                id=identity,
                time=from_milliseconds(int(fields["time"])),
                who=fields["who"],
                what=fields["what"],
                address=fields["from"],
                result=fields["result"],
            )
            for identity, fields in entries
        ]

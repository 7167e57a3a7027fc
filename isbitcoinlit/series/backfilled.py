"""Which parts of archives are stored for good."""

from redis.asyncio import Redis

from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys


class Backfilled:
    """Marks in Redis, so that what was fetched once is not asked for again."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def parts(self, archive: str) -> set[str]:
        """The parts that are marked; raises a `StorageError`."""
        with redis_errors():
            members = await self._redis.smembers(self._keys.backfilled(archive))
        return set(map(str, members))

    async def add(self, archive: str, part: str) -> None:
        """Mark a part; raises a `StorageError`."""
        with redis_errors():
            await self._redis.sadd(self._keys.backfilled(archive), part)

    async def forget(self, archive: str) -> None:
        """Remove all marks of an archive; raises a `StorageError`."""
        with redis_errors():
            await self._redis.delete(self._keys.backfilled(archive))

"""A secret of the whole service: from a setting, or made once and kept in Redis."""

import hmac
import secrets
from typing import Any

from redis.asyncio import Redis

from isbitcoinlit.errors import SeriesUnusable
from isbitcoinlit.redis_client import redis_errors

_BYTES = 32
"""As long as the hash that is keyed with it."""


class SharedSecret:
    """One secret that all processes of one Redis have in common."""

    def __init__(self, redis: Redis, key: str, configured: bytes | None = None) -> None:
        self._redis = redis
        self._key = key
        self._configured = configured

    @property
    def is_configured(self) -> bool:
        """Whether it comes from a setting, so that it cannot be made anew here."""
        return self._configured is not None

    async def get(self) -> bytes:
        """Return the secret, made now if it is the first time; raises a `StorageError`."""
        if self._configured is not None:
            return self._configured
        with redis_errors():
            kept: Any = await self._redis.get(self._key)
            if kept is None:
                # Two processes may get here; whoever is second takes the first one's.
                await self._redis.set(self._key, secrets.token_hex(_BYTES), nx=True)
                kept = await self._redis.get(self._key)
        try:
            return bytes.fromhex(kept)
        except ValueError:
            raise SeriesUnusable(
                f"{self._key} in Redis should hold a secret and holds something else: delete it, "
                "and another one is made."
            ) from None

    async def rotate(self) -> None:
        """Make a new secret, which ends everything that the old one was good for."""
        with redis_errors():
            await self._redis.set(self._key, secrets.token_hex(_BYTES))


def derive(secret: bytes, purpose: str) -> bytes:
    """Make a secret for one purpose out of another, which it does not give away."""
    return hmac.digest(secret, purpose.encode(), "sha256")

"""Hears of the snapshots that other processes compute, through one subscription."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from isbitcoinlit.errors import StorageError
from isbitcoinlit.log import get_logger
from isbitcoinlit.redis_client import ANSWER_SECONDS, redis_errors
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.snapshot.cache import SnapshotCache
from isbitcoinlit.snapshot.memory import SnapshotMemory
from isbitcoinlit.tasks import end

QUIET_SECONDS = 10.0
"""After so long without a message the connection is asked whether it still lives."""
RETRY_SECONDS = 0.5
"""Pause before subscribing again; a restart of Redis takes well under a second."""

log = get_logger()


class SnapshotSubscription:
    """Keeps one process's memory in step with the others."""

    def __init__(
        self, redis: Redis, keys: Keys, cache: SnapshotCache, memory: SnapshotMemory
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._cache = cache
        self._memory = memory
        self._connected = True
        self._subscribed_before = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen for the length of the block."""
        task = asyncio.create_task(self._listen_for_ever())
        try:
            yield
        finally:
            await end(task)

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except StorageError as error:
                # What is published meanwhile is missed, so what is in memory may be out of date.
                self._memory.distrust()
                self._report(connected=False, reason=str(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as pubsub:
            with redis_errors():
                await pubsub.subscribe(self._keys.snapshot_channel)
            while True:
                message = await self._next_message(pubsub)
                if message and message["type"] == "subscribe":
                    self._subscribed()
                elif message and message["type"] == "message":
                    self._cache.receive(message["data"])

    def _subscribed(self) -> None:
        """Note that Redis took the subscription, which the client renews by itself too."""
        if self._subscribed_before:
            self._memory.distrust()
        self._subscribed_before = True
        self._report(connected=True)

    async def _next_message(self, pubsub: PubSub) -> dict[str, Any] | None:
        """Return what came, or None after a quiet time on a connection that lives."""
        with redis_errors():
            message: dict[str, Any] | None = await pubsub.get_message(timeout=QUIET_SECONDS)
            if message is None:
                await pubsub.ping()
                async with asyncio.timeout(ANSWER_SECONDS):
                    message = await pubsub.get_message(timeout=None)
        return message

    def _report(self, *, connected: bool, reason: str = "") -> None:
        """Log a change of state, once."""
        if connected is not self._connected:
            self._connected = connected
            if connected:
                log.info("subscription-restored")
            else:
                log.warning("subscription-lost", reason=reason)

"""Reads the events of all processes into this one, through one connection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis

from isbitcoinlit.errors import StorageError
from isbitcoinlit.events.event import EventKind
from isbitcoinlit.events.hub import EventHub
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.log import get_logger
from isbitcoinlit.redis_client import without_retries
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.signals import Signals
from isbitcoinlit.tasks import running

WAIT_SECONDS = 2.0
"""How long one read waits for an event; below the time after which a connection counts as dead."""
RETRY_SECONDS = 0.5
"""Pause before connecting again; a restart of Redis takes well under a second."""
FIRST_SECONDS = 1.0
"""How long a start waits until this process hears the others."""

log = get_logger()


class EventFollower:
    """Keeps the hub, and this process's snapshot, in step with the other processes.

    Snapshots go to `receive`; `distrust` is called when one may have been missed.
    """

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        hub: EventHub,
        signals: Signals,
        *,
        receive: Callable[[str], None],
        distrust: Callable[[], None],
    ) -> None:
        self._redis = without_retries(redis)
        self._log = EventLog(self._redis, keys)
        self._hub = hub
        self._signals = signals
        self._receive = receive
        self._distrust = distrust
        self._tried = asyncio.Event()
        self._connected = True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow for the length of the block; it begins when the first attempt has ended."""
        async with self._redis, running(self._follow_for_ever()):
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_SECONDS):
                    await self._tried.wait()
            yield

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                await self._catch_up()
                await self._follow()
            except StorageError as error:
                # What happens meanwhile is missed, so what is in memory may be out of date.
                self._distrust()
                self._report(connected=False, reason=str(error))
            except Exception:  # The edge of the loop: without it nothing would be heard any more.
                self._distrust()
                self._signals.subscription_resets += 1
                log.exception("subscription-crashed")
            self._tried.set()
            await asyncio.sleep(RETRY_SECONDS)

    async def _catch_up(self) -> None:
        """Read what happened before now, and find out whether that is everything."""
        if await self._log.holds(self._hub.last_id):
            self._hub.publish(await self._log.after(self._hub.last_id))
        else:
            self._hub.begin_anew(await self._log.newest())
        # Between the loss and now a poll may have put the last but one snapshot into memory.
        self._distrust()
        self._report(connected=True)
        self._tried.set()

    async def _follow(self) -> None:
        while True:
            events = await self._log.after(self._hub.last_id, wait_seconds=WAIT_SECONDS)
            if not events:
                continue
            snapshots = [event for event in events if event.kind is EventKind.SNAPSHOT]
            if snapshots:
                self._receive(snapshots[-1].data)
            self._hub.publish(events)

    def _report(self, *, connected: bool, reason: str = "") -> None:
        """Log a change of state, once."""
        if connected is not self._connected:
            self._connected = connected
            if connected:
                self._signals.subscription_resets += 1
                log.info("subscription-restored")
            else:
                log.warning("subscription-lost", reason=reason)

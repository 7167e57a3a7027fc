"""What a process knows of the requests it gets: counted in memory, settled in the background."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import StorageError
from isbitcoinlit.limits.addresses import Addresses
from isbitcoinlit.limits.policy import Group, rates
from isbitcoinlit.limits.pseudonyms import Pseudonyms
from isbitcoinlit.limits.sharing import SharedCounts
from isbitcoinlit.limits.window import Change, GroupLimiter
from isbitcoinlit.log import get_logger
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from isbitcoinlit.shared_secret import SharedSecret, derive
from isbitcoinlit.signals import Signals
from isbitcoinlit.tasks import end
from isbitcoinlit.usage.counters import Counters
from isbitcoinlit.usage.ledger import Ledger
from isbitcoinlit.usage.meter import Meters

SETTLE_SECONDS = 1.0
"""How often processes tell each other what they counted: how much a limit may be exceeded by."""
LAST_SETTLE_SECONDS = 0.3
"""How long a stop may wait for the last counts to arrive."""
USAGE_EVERY = 10
"""Settlings between two entries in the usage ledger, which nobody waits for."""
FORGET_EVERY = 60
"""Settlings between two looks for clients that have gone."""

log = get_logger()


class Traffic:
    """The limits, the meters, and the task that settles them with the other processes."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        keys: Keys,
        clock: Clock,
        *,
        refreshes: Counter[str],
        signals: Signals,
    ) -> None:
        self.addresses = Addresses(settings.trusted_proxies)
        self.limiters = {group: GroupLimiter(r, clock) for group, r in rates(settings).items()}
        self.meters = Meters(refreshes, signals)
        self.counters = Counters(
            redis,
            keys,
            clock,
            instance=f"{socket.gethostname()}:{settings.port}",
            count=self.meters.totals,
        )
        self.ledger = Ledger(redis, keys, clock)
        self._pseudonyms = Pseudonyms(_client_secret(settings, redis, keys))
        self._shared = SharedCounts(redis, keys, self._pseudonyms)
        self._requests: Counter[tuple[str, Group]] = Counter()
        self._statuses: Counter[str] = Counter()
        self._turn = 0
        self._connected = True

    @asynccontextmanager
    async def settling(self) -> AsyncIterator[None]:
        """Settle every second for the length of the block, and once more at its end."""
        stopping = asyncio.Event()
        task = asyncio.create_task(self._settle_until(stopping))
        try:
            yield
        finally:
            # Not by cancelling: redis-py may lose a cancellation that comes with an answer.
            stopping.set()
            await asyncio.wait([task], timeout=LAST_SETTLE_SECONDS)
            await end(task)

    async def settle(self) -> None:
        """Tell the other processes what was counted, and learn what they did.

        Raises a `StorageError`; the limits then hold for this process alone.
        """
        self._turn += 1
        changes = {group: limiter.changes() for group, limiter in self.limiters.items()}
        try:
            await self._settle_limits(changes)
        except StorageError:
            self.meters.limiter_fallbacks += 1
            raise
        await self.settle_counters()
        if self._turn % USAGE_EVERY == 0:
            await self._settle_usage()
        if self._turn % FORGET_EVERY == 0:
            for limiter in self.limiters.values():
                limiter.forget_idle()

    async def settle_counters(self) -> None:
        """Add what this process counted to what all did; raises `RedisUnavailable`."""
        grown = await self.counters.settle(self.meters.states())
        for name, n in grown.items():
            if name.startswith("requests|"):
                self._statuses[name.removeprefix("requests|")] += int(n)

    async def _settle_until(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SECONDS):
                    await stopping.wait()
                    self._turn = -1  # The last one leaves nothing to a later one.
            await self._settle_or_say()

    async def _settle_or_say(self) -> None:
        try:
            await self.settle()
        except StorageError as error:
            self._report(connected=False, reason=str(error))
        except Exception:  # The edge of the loop: one failed settling must not end the others.
            log.exception("settling-crashed")
        else:
            self._report(connected=True)

    async def _settle_limits(self, changes: Mapping[Group, list[Change]]) -> None:
        await self._pseudonyms.prepare()
        for group, of_group in changes.items():
            for change in of_group:
                client = self._pseudonyms.of(change.window.client)
                self._requests[client, group] += change.allowed + change.late + change.refused
            await self._shared.settle(group, self.limiters[group], of_group)

    async def _settle_usage(self) -> None:
        requests, self._requests = self._requests, Counter()
        statuses, self._statuses = self._statuses, Counter()
        await self.ledger.add(requests, statuses)

    def _report(self, *, connected: bool, reason: str = "") -> None:
        """Log a change of state, once."""
        if connected is not self._connected:
            self._connected = connected
            if connected:
                log.info("limits-shared-again")
            else:
                log.warning("limits-not-shared", reason=reason)


def _client_secret(settings: Settings, redis: Redis, keys: Keys) -> SharedSecret:
    configured = settings.secret_key
    secret = derive(configured.get_secret_value().encode(), "clients") if configured else None
    return SharedSecret(redis, keys.usage("secret"), secret)

"""The one Redis client of a process, and what its errors mean to us."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.crc import key_slot
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from isbitcoinlit.errors import (
    RedisRefused,
    RedisUnavailable,
    SeriesUnusable,
    StorageError,
    TimeSeriesMissing,
)
from isbitcoinlit.redis_primary import (
    ClusterFinder,
    FollowingConnection,
    FollowingTLSConnection,
    PrimaryFinder,
    SentinelFinder,
)
from isbitcoinlit.redis_url import RedisUrl, Shape, parse

CONNECT_SECONDS = 1.0
"""Redis is near; a connection that takes longer is a Redis that is not there."""
ANSWER_SECONDS = 3.0
"""Our longest command takes milliseconds; this leaves room for a fork or a slow disk."""
CONNECTIONS = 16
"""Polls hardly use Redis and refreshes run one at a time; more wait for a free one."""
RETRIES = 2
"""A pooled connection that died while idle fails once; a restart of Redis takes 20 ms.

What got no answer in time is not tried again: that would make callers wait three times as long."""

_NOT_OURS = ("WRONGTYPE", "not a TSDB key", "key already exists")
T = TypeVar("T")

_NO_TIME_SERIES = "unknown command 'TS."
_REFUSALS = {
    "WRONGPASS": "refuses our user or password: correct ISBITCOINLIT_REDIS_URL",
    "NOAUTH": "wants a user and a password: put them into ISBITCOINLIT_REDIS_URL",
    "NOPERM": "does not let our user do this: give it the rights in docs/deploying.md",
    "OOM": "has no memory left for writes: raise its maxmemory, or set ISBITCOINLIT_RETENTION",
    "MISCONF": "cannot write to its disk, and takes no writes until it can: make room there",
}
"""What does not pass by waiting, by the first word of the server's reply."""
_PASSING = {
    "CLUSTERDOWN": "The Cluster has no master for our keys at the moment",
    "TRYAGAIN": "Our keys are being moved to another server",
    "ASK": "Our keys are being moved to another server",
    "MASTERDOWN": "This replica has lost its primary",
    "NOREPLICAS": "Redis has fewer replicas than it wants for a write",
    "READONLY": "This server is a replica, and takes no writes",
    "MOVED": "This server is part of a Cluster and has not our keys: write redis+cluster://",
}
"""What may end by itself, by the first word of the reply."""
_IN_A_PIPELINE = re.compile(
    r"^Command # \d+ \(.*\) of pipeline caused error: (?:\(['\"])?(.*?)(?:['\"],\))?$", re.DOTALL
)
_CODE = re.compile(r"\b(MISCONF|NOREPLICAS|OOM)\b")
"""Codes that redis-py does not know everywhere."""


class _RetryAtOnce(Retry):
    """Tries again what failed at once, and leaves it where Redis did not answer in time."""

    async def call_with_retry(
        self,
        do: Callable[[], Awaitable[T]],
        fail: Callable[..., Any],
        is_retryable: Callable[[Exception], bool] | None = None,
        with_failure_count: bool = False,
    ) -> T:
        """Call until it succeeds, takes too long or has failed too often."""
        check = is_retryable or _failed_at_once
        return await super().call_with_retry(do, fail, check, with_failure_count)


def _failed_at_once(error: Exception) -> bool:
    # A handshake that gets no answer is told as a broken connection.
    return not any(isinstance(e, RedisTimeoutError) for e in (error, error.__cause__))


def connect(url: str, prefix: str = "") -> Redis:
    """Make a client for the address; nothing is sent before the first command.

    In a Cluster it talks to the server that has the keys of this prefix.
    """
    pool = BlockingConnectionPool(
        **_options(parse(url), prefix),
        decode_responses=True,
        max_connections=CONNECTIONS,
        timeout=ANSWER_SECONDS,
        retry=_RetryAtOnce(ExponentialWithJitterBackoff(base=0.01, cap=0.1), RETRIES),
        # What only Redis' own cloud has, and what asks for one more round trip per connection.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    return Redis.from_pool(pool)


def _options(address: RedisUrl, prefix: str) -> dict[str, Any]:
    """Return what a pool is told about the connections it makes."""
    given: dict[str, Any] = dict(parse_url(address.plain))
    limits = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS}
    if address.shape is Shape.SINGLE:
        return limits | given
    tls = given.pop("connection_class", None) is SSLConnection
    del given["host"]
    kind = FollowingTLSConnection if tls else FollowingConnection
    return limits | given | {"connection_class": kind, "finder": _finder(address, given, prefix)}


def _finder(address: RedisUrl, given: dict[str, Any], prefix: str) -> PrimaryFinder:
    tls = address.plain.startswith("rediss")
    asked = {name: value for name, value in given.items() if name != "db"} | {"ssl": tls}
    if address.shape is Shape.CLUSTER:
        slot = key_slot(f"{{{prefix}}}".encode())
        return ClusterFinder(address.nodes, asked, slot, names=tls)
    user, password = address.sentinel_login
    asked |= {"username": user, "password": password}
    return SentinelFinder(address.nodes, asked, address.service)


def finder_of(redis: Redis) -> PrimaryFinder | None:
    """Return what finds the client's primary, if there may be another one some day."""
    finder: PrimaryFinder | None = redis.connection_pool.connection_kwargs.get("finder")
    return finder


def without_retries(redis: Redis) -> Redis:
    """Make a client of the same server with a connection of its own, whose every loss it tells.

    After a silent retry the server may be another one, or one that has lost its memory.
    """
    pool = redis.connection_pool
    options = {**pool.connection_kwargs, "retry": Retry(NoBackoff(), 0)}
    own = ConnectionPool(pool.connection_class, max_connections=1, **options)
    return Redis.from_pool(own)


@contextmanager
def redis_errors() -> Iterator[None]:
    """Translate what redis-py raises inside the block into our own errors."""
    try:
        yield
    except ResponseError as error:
        raise translate(error) from error
    except (RedisError, OSError) as error:
        for refusal in (error, error.__cause__):
            if isinstance(refusal, AuthenticationError):
                raise translate(refusal) from error
        reason = str(error) or "it did not answer in time"
        raise RedisUnavailable(f"Redis cannot be reached: {reason}") from error


def translate(error: ResponseError | AuthenticationError, key: str = "A key") -> StorageError:
    """Say in our words what a server's error reply means."""
    # In a pipeline redis-py repeats the command, which may hold what is nobody's business.
    text = _IN_A_PIPELINE.sub(r"\1", str(error))
    word = error.status_code or next(iter(_CODE.findall(text)), "")
    if word in _REFUSALS:
        return RedisRefused(f"Redis {_REFUSALS[word]} ({text}).")
    if word in _PASSING:
        return RedisUnavailable(f"{_PASSING[word]} ({text}).")
    if _NO_TIME_SERIES in text:
        return TimeSeriesMissing(
            "This Redis has no time series (TS.* commands). Use Redis Stack 7.4 or Redis 8: "
            "docker compose -f docker-compose.redis-stack.yml up -d"
        )
    if any(sign in text for sign in _NOT_OURS):
        return SeriesUnusable(f"{key} holds something that is not our time series: {text}")
    return RedisUnavailable(f"Redis refused a command: {text}")


def series_reply(reply: Any) -> Any:
    """Return the reply of a TS.GET or TS.RANGE in a pipeline, or None if there is no series."""
    if isinstance(reply, ResponseError):
        if "does not exist" in str(reply):
            return None
        raise translate(reply) from reply
    return reply

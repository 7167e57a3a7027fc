"""The one Redis client of a process, and what its errors mean to us."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from isbitcoinlit.errors import RedisUnavailable, SeriesUnusable, TimeSeriesMissing

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


def connect(url: str) -> Redis:
    """Make a client for the address; nothing is sent before the first command."""
    backoff = ExponentialWithJitterBackoff(base=0.01, cap=0.1)
    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=True,
        max_connections=CONNECTIONS,
        timeout=ANSWER_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=_RetryAtOnce(backoff, RETRIES),
    )
    return Redis.from_pool(pool)


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
        reason = str(error) or "it did not answer in time"
        raise RedisUnavailable(f"Redis cannot be reached: {reason}") from error


def translate(error: ResponseError) -> Exception:
    """Say in our words what a server's error reply means."""
    text = str(error)
    if _NO_TIME_SERIES in text:
        return TimeSeriesMissing(
            "This Redis has no time series (TS.* commands). Use Redis Stack 7.4 or Redis 8: "
            "docker compose -f docker-compose.redis-stack.yml up -d"
        )
    if any(sign in text for sign in _NOT_OURS):
        return SeriesUnusable(f"A key holds something that is not our time series: {text}")
    return RedisUnavailable(f"Redis refused a command: {text}")


def series_reply(reply: Any) -> Any:
    """Return the reply of a TS.GET or TS.RANGE in a pipeline, or None if there is no series."""
    if isinstance(reply, ResponseError):
        if "does not exist" in str(reply):
            return None
        raise translate(reply) from reply
    return reply

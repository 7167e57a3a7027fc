"""What the live feed remembers, in Redis: headlines for as long as they count and no longer."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, TypeVar

from redis.asyncio import Redis

from isbitcoinlit.clock import from_milliseconds, to_milliseconds
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import Headline, Metric, Visit
from isbitcoinlit.redis_client import redis_errors, series_reply
from isbitcoinlit.series.keys import Keys

_Value = TypeVar("_Value")

log = get_logger()


class LiveRecord:
    """Headlines by time, when each news feed answered last, and the last price."""

    def __init__(self, redis: Redis, keys: Keys, *, window: timedelta) -> None:
        self._redis = redis
        self._keys = keys
        self._window = window

    async def load(self, since: datetime) -> tuple[list[Headline], dict[str, Visit]]:
        """The headlines since then and the visits, in one round trip.

        What cannot be read is absent. Raises a `StorageError`.
        """
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            pipe.zrange(self._keys.headlines, to_milliseconds(since), "+inf", byscore=True)
            pipe.hgetall(self._keys.visits)
            texts, visits = await pipe.execute()
        headlines = [headline for text in texts if (headline := _read(text, _headline))]
        found = {url: _read(text, _visit) for url, text in visits.items()}
        return headlines, {url: visit for url, visit in found.items() if visit}

    async def keep(
        self, headlines: Iterable[Headline], visits: Mapping[str, Visit], now: datetime
    ) -> None:
        """Add headlines, replace visits, and drop what is out of the window."""
        texts = {_write(headline): to_milliseconds(headline.time) for headline in headlines}
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            if texts:
                pipe.zadd(self._keys.headlines, texts)
            for url, visit in visits.items():
                pipe.hset(self._keys.visits, url, _write(visit))
            oldest = to_milliseconds(now - self._window)
            pipe.zremrangebyscore(self._keys.headlines, "-inf", f"({oldest}")
            # Both together: a feed that says "unchanged" must not leave us without its headlines.
            pipe.expire(self._keys.headlines, self._window)
            pipe.expire(self._keys.visits, self._window)
            await pipe.execute()

    async def last_price(self) -> tuple[datetime, float] | None:
        """Time and value of the newest combined price; raises a `StorageError`."""
        key = self._keys.series("live", Metric.PRICE)
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            pipe.ts().get(key)
            [reply] = await pipe.execute(raise_on_error=False)
        sample = series_reply(reply)
        return (from_milliseconds(sample[0]), sample[1]) if sample else None


def _write(value: Headline | Visit) -> str:
    return json.dumps(asdict(value), default=to_milliseconds, sort_keys=True)


def _read(text: str, parse: Callable[[dict[str, Any]], _Value]) -> _Value | None:
    try:
        return parse(json.loads(text))
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        log.warning("stored-headline-unreadable", reason=repr(error))
        return None


def _headline(fields: dict[str, Any]) -> Headline:
    return Headline(**fields | {"time": from_milliseconds(fields["time"])})


def _visit(fields: dict[str, Any]) -> Visit:
    newest = fields["newest"]
    return Visit(
        time=from_milliseconds(fields["time"]),
        newest=None if newest is None else from_milliseconds(newest),
        conditions=dict(fields["conditions"]),
    )

"""What each source said the price was, in a time series of its own."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from isbitcoinlit.clock import from_milliseconds, to_milliseconds
from isbitcoinlit.fence import NO_FENCE, Fence
from isbitcoinlit.log import get_logger
from isbitcoinlit.models import UNITS, Metric, SourcePrice
from isbitcoinlit.redis_client import redis_errors, series_reply, translate
from isbitcoinlit.series.definition import DUPLICATE_POLICY
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.writer import SampleWriter

log = get_logger()


class SourcePrices:
    """The prices of the sources of every feed, kept to look at a disagreement."""

    def __init__(self, redis: Redis, keys: Keys, *, retention_seconds: int = 0) -> None:
        self._redis = redis
        self._writer = SampleWriter(redis)
        self._keys = keys
        self._retention_ms = retention_seconds * 1_000
        self._newest: dict[str, datetime] = {}

    async def add(self, feed: str, prices: Iterable[SourcePrice], fence: Fence = NO_FENCE) -> None:
        """Store what is newer than the last one sent; raises a `StorageError` or `LeaseLost`."""
        new = [price for price in prices if self._newest.get(price.source) != price.time]
        if not new:
            return
        replies = await self._write(feed, new, fence)
        if any("not a TSDB key" in str(reply) for reply in replies):
            await self._create(feed, new)
            replies = await self._write(feed, new, fence)
        refused = [str(reply) for reply in replies if isinstance(reply, ResponseError)]
        if refused:
            log.warning("source-prices-refused", feed=feed, reasons=sorted(set(refused)))
        self._newest |= {price.source: price.time for price in new}

    async def latest(self, feed: str, sources: Sequence[str]) -> list[SourcePrice]:
        """The last price of each source that has one; raises a `StorageError`."""
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for source in sources:
                pipe.ts().get(self._keys.source_price(feed, source))
            replies = await pipe.execute(raise_on_error=False)
        samples = zip(sources, map(series_reply, replies), strict=True)
        return [
            SourcePrice(source, from_milliseconds(sample[0]), sample[1])
            for source, sample in samples
            if sample
        ]

    async def _write(
        self, feed: str, prices: Iterable[SourcePrice], fence: Fence
    ) -> Sequence[object]:
        rows = [
            (
                to_milliseconds(price.time),
                self._keys.source_price(feed, price.source),
                price.price,
            )
            for price in prices
        ]
        return (await self._writer.write(rows, fence)).replies

    async def _create(self, feed: str, prices: Iterable[SourcePrice]) -> None:
        with redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            for price in prices:
                pipe.ts().create(
                    self._keys.source_price(feed, price.source),
                    retention_msecs=self._retention_ms,
                    labels={
                        "feed": feed,
                        "source": price.source,
                        "metric": Metric.PRICE.value,
                        "unit": UNITS[Metric.PRICE],
                    },
                    duplicate_policy=DUPLICATE_POLICY,
                )
            for reply in await pipe.execute(raise_on_error=False):
                if isinstance(reply, ResponseError) and "already exists" not in str(reply):
                    raise translate(reply)

"""What the chart needs of `/api/v1/series`, until the history endpoints bring all of it.

To be deleted with its line in `app.py`.
"""

import re
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from isbitcoinlit.clock import EPOCH, from_milliseconds, to_milliseconds
from isbitcoinlit.models import Metric
from isbitcoinlit.redis_client import redis_errors, series_reply
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.problems import ProblemError

router = APIRouter(prefix="/api/v1", include_in_schema=False)

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@router.get("/series")
async def series(
    resources: ResourcesDep,
    begin: Annotated[str, Query(alias="from")] = "now-24h",
    interval: str = "1h",
) -> dict[str, Any]:
    """Return rows of equal length, with nulls where nothing was read."""
    step, now = _duration(interval), resources.clock.now()
    first = now - _duration(begin.removeprefix("now-"))
    first -= (first - EPOCH) % step
    keys, size = Keys(resources.settings.key_prefix), step // timedelta(milliseconds=1)
    with redis_errors():
        pipe = resources.redis.pipeline(transaction=True)
        for metric in Metric:
            for aggregation in ("avg", "count"):
                pipe.ts().range(
                    keys.series(resources.feed.name, metric),
                    to_milliseconds(first),
                    to_milliseconds(now),
                    aggregation_type=aggregation,
                    bucket_size_msec=size,
                )
        replies = await pipe.execute(raise_on_error=False)
    price, prices, mood, moods = (dict(series_reply(reply) or ()) for reply in replies)
    times = range(to_milliseconds(first), to_milliseconds(now) + 1, size)
    data = [
        {
            "time": from_milliseconds(time).isoformat(),
            "price": price.get(time),
            "sentiment": mood.get(time),
            "price_samples": int(prices.get(time, 0)),
            "sentiment_samples": int(moods.get(time, 0)),
        }
        for time in times
    ]
    return {"data": data, "meta": {"interval": interval}}


def _duration(text: str) -> timedelta:
    if not (found := re.fullmatch(r"(\d{1,4})([smhd])", text)):
        raise ProblemError(422, "invalid-request", f"{text!r} is no length of time")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])

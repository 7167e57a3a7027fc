"""`/api/v1/headlines` and `/api/v1/readings/latest`: why price and mood are what they are."""

import asyncio

from fastapi import APIRouter, Response

from isbitcoinlit.errors import NoData
from isbitcoinlit.feeds.live.prices import READERS
from isbitcoinlit.feeds.live.sentiment import WINDOW, in_window, mood, weight
from isbitcoinlit.models import Metric
from isbitcoinlit.resources import Resources
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.feed_schemas import (
    CompanionSchema,
    HeadlineSchema,
    HeadlinesSchema,
    LatestSchema,
    SourcePriceSchema,
)
from isbitcoinlit.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["live"])


@router.get("/headlines", responses=responses(503))
async def headlines(resources: ResourcesDep, response: Response) -> HeadlinesSchema:
    """List the headlines of the last 24 hours, newest first, with what each counts for.

    Empty when the feed `live` is not among the feeds, or has found none. Titles belong to the
    sources that are named.
    """
    now = resources.clock.now()
    known, _ = await resources.live_record.load(now - WINDOW)
    kept = in_window(known, now)
    found = mood(kept, now)
    response.headers["cache-control"] = "public, max-age=30"
    return HeadlinesSchema(
        sentiment=round(found.mean, 4) if found else None,
        median=round(found.median, 4) if found else None,
        count=len(kept),
        newest_age=max(0.0, (now - kept[0].time).total_seconds()) if kept else None,
        headlines=[
            HeadlineSchema(
                title=headline.title,
                link=headline.link,
                source=headline.source,
                time=headline.time,
                score=headline.score,
                weight=round(weight(headline, now), 4),
            )
            for headline in kept
        ],
    )


@router.get("/readings/latest", responses=responses(503))
async def latest(resources: ResourcesDep, response: Response) -> LatestSchema:
    """Give the newest reading of the feed that speaks, and the price of each source beside it.

    What price was chosen from the sources' is told in the documentation of the feed `live`.
    """
    feed = resources.reader.feed
    newest, prices, companions = await asyncio.gather(
        resources.series.newest(feed),
        resources.prices.latest(feed, list(READERS)),
        _companions(resources),
    )
    price, sentiment = newest.get(Metric.PRICE), newest.get(Metric.SENTIMENT)
    times = [sample[0] for sample in (price, sentiment) if sample]
    if not times:
        raise NoData(f"The feed {feed} has not given a reading yet.")
    age = (resources.clock.now() - max(times)).total_seconds()
    response.headers["cache-control"] = "public, max-age=5"
    return LatestSchema(
        feed=feed,
        time=max(times),
        price=price[1] if price else None,
        price_time=price[0] if price else None,
        sentiment=sentiment[1] if sentiment else None,
        sentiment_time=sentiment[0] if sentiment else None,
        stale=age > resources.settings.stale_after,
        sources=[
            SourcePriceSchema(source=each.source, price=each.price, time=each.time)
            for each in prices
        ],
        companions=companions,
    )


async def _companions(resources: Resources) -> list[CompanionSchema]:
    companions = resources.companions.feeds
    samples = await asyncio.gather(*(resources.series.newest(each.name) for each in companions))
    return [
        CompanionSchema(
            name=companion.name,
            time=found[Metric.SENTIMENT][0],
            sentiment=found[Metric.SENTIMENT][1],
            attribution=companion.attribution,
        )
        for companion, found in zip(companions, samples, strict=True)
        if Metric.SENTIMENT in found
    ]

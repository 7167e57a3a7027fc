"""`/api/v1/correlation`: what price and mood say about each other."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from isbitcoinlit.errors import ParameterInvalid, TooManyPoints
from isbitcoinlit.history.cache import AnswerName
from isbitcoinlit.history.correlation_words import CAVEAT, METHOD, best_of_each, columns, records
from isbitcoinlit.history.documents import Record, Table, TimeForm, Write
from isbitcoinlit.history.moments import parse_duration
from isbitcoinlit.history.mood_and_returns import Comparison
from isbitcoinlit.series.buckets import Interval
from isbitcoinlit.web.answer_form import Lifetime, answer_table
from isbitcoinlit.web.correlation_schemas import CorrelationSchema
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.history_params import FeedDep, FormDep, TimeFormParam
from isbitcoinlit.web.problems import responses
from isbitcoinlit.web.summary import ALWAYS

router = APIRouter(prefix="/api/v1", tags=["history"])

MOST_BUCKETS = 2_000
MOST_LAGS = 200
MOST_PRODUCTS = 200_000
"""Buckets times lags: what can be computed in half a second."""

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
    304: {"description": "Not modified (`If-None-Match`)"},
    **responses(422, 503),
}


@router.get("/correlation", response_model=CorrelationSchema, responses=_ANSWERS)
async def correlation(
    request: Request,
    resources: ResourcesDep,
    feed: FeedDep,
    form: FormDep,
    window: Annotated[
        str, Query(description="How far back from the newest reading, such as `7d`.")
    ] = "7d",
    interval: Annotated[Interval, Query(description="Length of a bucket.")] = Interval.HOUR,
    max_lag: Annotated[
        int, Query(ge=0, le=MOST_LAGS, description="Lags from -max_lag to max_lag, in buckets.")
    ] = 24,
    ts: TimeFormParam = TimeForm.ISO,
) -> Response:
    """Compare the sentiment, and its change, with the returns of the price at each lag.

    At a positive lag sentiment comes first. p-values are corrected for autocorrelation and for
    the number of lags; `meta.best` says in words what stands out. No answer is a forecast.
    """
    buckets = _buckets(window, interval)
    if buckets * (2 * max_lag + 1) > MOST_PRODUCTS:
        most = (MOST_PRODUCTS // buckets - 1) // 2
        raise ParameterInvalid("max_lag", f"with {buckets} buckets at most {most} can be computed")

    async def make() -> Table:
        now = resources.history.now()
        found = await resources.comparisons.compare(feed, interval, buckets, max_lag, now)
        stale = now - found.as_of > resources.settings.stale_after * 1_000
        asked = {"feed": feed, "window": window, "interval": interval, "max_lag": max_lag}
        meta = {**asked, **_meta(found, interval, ts.write), "stale": stale}
        return Table(columns(), records(found.findings), meta)

    name = AnswerName("correlation", feed, ALWAYS, f"{window}:{interval}:{max_lag}:{ts}:{form}")
    lifetime = Lifetime.until_refresh(resources)
    return await answer_table(request, resources, name, lifetime, form, make)


def _buckets(window: str, interval: Interval) -> int:
    """Return how many buckets a window has."""
    length = parse_duration("window", window)
    asked = length // interval.width
    if asked < 1:
        raise ParameterInvalid("window", f"{window} is shorter than a bucket of {interval}")
    if asked > MOST_BUCKETS:
        fits = next((i for i in Interval if length // i.width <= MOST_BUCKETS), None)
        raise TooManyPoints(
            f"These are {asked} buckets, and at most {MOST_BUCKETS} are compared; "
            + (f"interval={fits} fits." if fits else "ask for less time."),
            max_points=MOST_BUCKETS,
            points=asked,
            smallest_interval=str(fits) if fits else None,
        )
    return asked


def _meta(found: Comparison, interval: Interval, write: Write) -> Record:
    return {
        "from": write(found.span.begin),
        "to": write(found.span.end),
        "as_of": write(found.as_of),
        "buckets_with_price": found.prices,
        "buckets_with_sentiment": found.moods,
        "buckets_with_return": found.returns,
        "best": best_of_each(found.findings, interval),
        "method": METHOD,
        "caveat": CAVEAT,
    }

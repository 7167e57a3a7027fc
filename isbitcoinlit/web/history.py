"""`/api/v1/series`, `/candles` and `/readings`: the past, on one clock."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.errors import ParameterInvalid
from isbitcoinlit.history.cache import AnswerName
from isbitcoinlit.history.documents import (
    CANDLE_COLUMNS,
    READING_COLUMNS,
    Record,
    Table,
    TimeForm,
    candle_record,
    reading_record,
    series_columns,
    series_records,
)
from isbitcoinlit.history.moments import are_fixed, parse_moment
from isbitcoinlit.history.paging import Cursor
from isbitcoinlit.history.query import DEFAULT_RANGE, Fill, Range, SeriesQuery, find_range
from isbitcoinlit.models import Metric, Span
from isbitcoinlit.resources import Resources
from isbitcoinlit.series.buckets import Aggregation, Interval
from isbitcoinlit.web.answer_form import Lifetime, answer_table, send_table
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.history_params import (
    Ends,
    EndsDep,
    FeedDep,
    FormDep,
    MetricsDep,
    TimeFormParam,
)
from isbitcoinlit.web.history_schemas import CandlesSchema, ReadingsSchema, SeriesSchema
from isbitcoinlit.web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["history"])

_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
    304: {"description": "Not modified (`If-None-Match`)"},
}
_ANSWERS: dict[int | str, dict[str, Any]] = {**_CSV, **responses(422, 503)}

Limit = Annotated[
    int | None, Query(ge=1, description="Rows of one answer; `meta.next` says where to go on.")
]
IntervalParam = Annotated[
    Interval, Query(description="Length of a bucket; weeks begin on Monday, days at 00:00 UTC.")
]


@router.get("/series", response_model=SeriesSchema, responses=_ANSWERS)
async def series(
    request: Request,
    resources: ResourcesDep,
    feed: FeedDep,
    ends: EndsDep,
    metrics: MetricsDep,
    form: FormDep,
    interval: IntervalParam = Interval.HOUR,
    aggregation: Annotated[
        Aggregation, Query(description="What is told of each bucket's readings.")
    ] = Aggregation.AVG,
    fill: Annotated[
        Fill, Query(description="What stands where nothing was read; what is put there is marked.")
    ] = Fill.NULL,
    limit: Limit = None,
    ts: TimeFormParam = TimeForm.ISO,
) -> Response:
    """Give price and sentiment in buckets of equal length, oldest first; by default the last day.

    Every bucket that the range `[from, to)` touches is there as a whole. One without a reading has
    `null` and 0 samples. `partial` marks the bucket that still runs, `coverage` is the share of
    its 30-second steps that have a reading.
    """
    page = _page(resources, ends, interval, limit)
    query = SeriesQuery(feed, page.shown, aggregation, metrics, fill)

    async def make() -> Table:
        rows = await resources.history.rows(query)
        meta = await _meta(resources, feed, page, ts, {"aggregation": aggregation})
        return Table(series_columns(query), list(series_records(query, rows, ts.write)), meta)

    rest = ":".join((aggregation, ",".join(metrics), fill, ts, form))
    name = page.name("series", feed, rest)
    lifetime = Lifetime.of(page.shown, feed, resources)
    return await answer_table(request, resources, name, lifetime, form, make)


@router.get("/candles", response_model=CandlesSchema, responses=_ANSWERS)
async def candles(
    request: Request,
    resources: ResourcesDep,
    feed: FeedDep,
    ends: EndsDep,
    form: FormDep,
    interval: IntervalParam = Interval.HOUR,
    metric: Annotated[Metric, Query(description="Price or sentiment.")] = Metric.PRICE,
    limit: Limit = None,
    ts: TimeFormParam = TimeForm.ISO,
) -> Response:
    """Give open, high, low and close of each bucket, oldest first; `time` is its start."""
    page = _page(resources, ends, interval, limit)

    async def make() -> Table:
        found = await resources.history.candles(feed, metric, page.shown)
        meta = await _meta(resources, feed, page, ts, {"metric": metric})
        return Table(CANDLE_COLUMNS, [candle_record(c, ts.write) for c in found], meta)

    name = page.name("candles", feed, f"{metric}:{ts}:{form}")
    lifetime = Lifetime.of(page.shown, feed, resources)
    return await answer_table(request, resources, name, lifetime, form, make)


@router.get("/readings", response_model=ReadingsSchema, responses=_ANSWERS)
async def readings(
    request: Request,
    resources: ResourcesDep,
    feed: FeedDep,
    ends: EndsDep,
    form: FormDep,
    cursor: Annotated[
        str | None, Query(description="`meta.next` of the page before; it knows the range.")
    ] = None,
    limit: Annotated[int, Query(ge=1, description="Readings of one answer.")] = 1_000,
    ts: TimeFormParam = TimeForm.ISO,
) -> Response:
    """Give what was stored, reading by reading, oldest first; by default the last day.

    Pages are cut by time: readings that arrive meanwhile neither repeat nor hide others. A CSV has
    the next page's cursor in the header `Link`.
    """
    _check_limit(resources, limit)
    now = resources.history.now()
    place = Cursor.read(cursor) if cursor else Cursor(feed, _span(ends, now))
    found = await resources.history.readings(place.feed, place.span, limit)
    left = None
    if len(found) == limit:
        left = Cursor(place.feed, Span(to_milliseconds(found[-1].time) + 1, place.span.end))
    fresh = await resources.history.freshness(
        place.feed, place.span.end, is_open=place.span.end > now
    )
    meta = {
        "feed": place.feed,
        "from": ts.write(place.span.begin),
        "to": ts.write(place.span.end),
        "as_of": None if fresh.as_of is None else ts.write(fresh.as_of),
        "stale": fresh.stale,
        "next": left.write() if left else None,
    }
    table = Table(READING_COLUMNS, [reading_record(r, ts.write) for r in found], meta)
    fixed = cursor is not None or are_fixed(ends.begin, ends.end)
    asked = Range(place.span, Interval.SECONDS_30, now, fixed)
    response = send_table(request, table, Lifetime.of(asked, place.feed, resources), form)
    if left:
        query = f"cursor={left.write()}&limit={limit}&format={form}&ts={ts}"
        response.headers["link"] = f'<?{query}>; rel="next"'
    return response


@dataclass(frozen=True, slots=True)
class _Page:
    """The buckets that one answer shows."""

    shown: Range
    following: int | None
    """Start of the first bucket that a limit has left out."""

    def name(self, kind: str, feed: str, rest: str) -> AnswerName:
        interval = self.shown.interval
        return AnswerName(kind, feed, self.shown.span, f"{interval}:{self.following}:{rest}")


def _page(resources: Resources, ends: Ends, interval: Interval, limit: int | None) -> _Page:
    now, most = resources.history.now(), resources.settings.max_points
    if limit is None:
        return _Page(find_range(ends.begin, ends.end, interval, now, most=most), None)
    _check_limit(resources, limit)
    asked = find_range(ends.begin, ends.end, interval, now, most=None)
    shown = asked.cut(limit)
    return _Page(shown, shown.span.end if shown.span.end < asked.span.end else None)


def _check_limit(resources: Resources, limit: int) -> None:
    most = resources.settings.max_points
    if limit > most:
        raise ParameterInvalid("limit", f"an answer has at most {most} rows")


def _span(ends: Ends, now: int) -> Span:
    """Return the range of readings, to the millisecond."""
    end = parse_moment("to", ends.end, now) if ends.end else now + 1
    begin = parse_moment("from", ends.begin, now) if ends.begin else end - DEFAULT_RANGE
    if begin >= end:
        raise ParameterInvalid("from", "from has to lie before to")
    end = min(max(0, end), now + 1)
    return Span(min(max(0, begin), end), end)


async def _meta(resources: Resources, feed: str, page: _Page, ts: TimeForm, told: Record) -> Record:
    span = page.shown.span
    fresh = await resources.history.freshness(feed, span.end, is_open=page.shown.is_open)
    return {
        "feed": feed,
        "interval": page.shown.interval,
        **told,
        "from": ts.write(span.begin),
        "to": ts.write(span.end),
        "as_of": None if fresh.as_of is None else ts.write(fresh.as_of),
        "stale": fresh.stale,
        "next": None if page.following is None else ts.write(page.following),
    }

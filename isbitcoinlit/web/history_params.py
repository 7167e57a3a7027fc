"""What the routes about the past ask for in their addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from isbitcoinlit.errors import ParameterInvalid
from isbitcoinlit.history.documents import TimeForm
from isbitcoinlit.history.paging import FEED_NAME
from isbitcoinlit.models import PAIR, Metric
from isbitcoinlit.web.answer_form import AnswerForm, chosen_form
from isbitcoinlit.web.deps import ResourcesDep

_TIME = "ISO 8601 (naive is UTC), seconds or milliseconds since 1970, `now` or `now-6h`."


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of a range, as they were written."""

    begin: str | None
    end: str | None


async def _ends(
    begin: Annotated[
        str | None, Query(alias="from", description=f"Where the range begins: {_TIME}")
    ] = None,
    end: Annotated[
        str | None, Query(alias="to", description=f"Where it ends, itself left out: {_TIME}")
    ] = None,
    start: Annotated[str | None, Query(description="The same as `from`.")] = None,
    stop: Annotated[str | None, Query(alias="end", description="The same as `to`.")] = None,
) -> Ends:
    if begin and start:
        raise ParameterInvalid("start", "this is another word for from; give one of them")
    if end and stop:
        raise ParameterInvalid("end", "this is another word for to; give one of them")
    return Ends(begin or start, end or stop)


async def _feed(
    resources: ResourcesDep,
    feed: Annotated[
        str | None, Query(description="Whose readings; by default those of the feed that speaks.")
    ] = None,
) -> str:
    speaking = resources.reader
    if not feed:
        return speaking.feed
    if feed in speaking.feeds:
        return feed
    if not FEED_NAME.fullmatch(feed) or not await resources.history.knows(feed):
        known = ", ".join(speaking.feeds)
        raise ParameterInvalid("feed", f"nothing was ever stored of {feed!r}; there is {known}")
    return feed


async def _form(
    request: Request,
    wanted: Annotated[
        AnswerForm | None, Query(alias="format", description="Overrides `Accept`.")
    ] = None,
) -> AnswerForm:
    return wanted or chosen_form(request)


async def _metrics(
    metrics: Annotated[
        str, Query(description="Which columns, by commas: price, sentiment, median, count.")
    ] = "price,sentiment",
) -> Sequence[Metric]:
    names = [name.strip() for name in metrics.split(",")]
    try:
        found = tuple(dict.fromkeys(Metric(name) for name in names))
    except ValueError:
        known = ", ".join(Metric)
        raise ParameterInvalid("metrics", f"{metrics!r} is no list of {known}") from None
    return PAIR if set(found) == set(PAIR) else found


EndsDep = Annotated[Ends, Depends(_ends)]
FeedDep = Annotated[str, Depends(_feed)]
FormDep = Annotated[AnswerForm, Depends(_form)]
MetricsDep = Annotated[Sequence[Metric], Depends(_metrics)]
TimeFormParam = Annotated[
    TimeForm, Query(alias="ts", description="How times are written: ISO 8601, or milliseconds.")
]

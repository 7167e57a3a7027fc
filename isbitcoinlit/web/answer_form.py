"""Answers about the past as HTTP: JSON or comma-separated values, kept, tagged and dated."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from math import ceil

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from isbitcoinlit.history.cache import AnswerName
from isbitcoinlit.history.documents import Table
from isbitcoinlit.history.query import Range
from isbitcoinlit.resources import Resources
from isbitcoinlit.web.negotiation import prefers
from isbitcoinlit.web.snapshot_response import conditions, matches

_PIECE = 65_536
"""Characters of a table that are sent at a time."""
_SETTLED_SECONDS = 3_600.0
"""How long an answer about a range that is over is kept in Redis."""
_OVER = "public, max-age=300"
_FOR_EVER = "public, max-age=31536000, immutable"


class AnswerForm(StrEnum):
    """What an answer is written in."""

    JSON = "json"
    CSV = "csv"


_MEDIA_TYPES = {AnswerForm.JSON: "application/json", AnswerForm.CSV: "text/csv; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long an answer is good."""

    seconds: float
    """In the cache that all processes share."""
    cache_control: str
    """For whoever asked."""

    @classmethod
    def of(cls, asked: Range, feed: str, resources: Resources) -> "Lifetime":
        """Tell for a range: until the next refresh, a while, or for ever."""
        if asked.is_open:
            return cls.until_refresh(resources)
        return cls(_SETTLED_SECONDS, _FOR_EVER if asked.is_settled(feed) else _OVER)

    @classmethod
    def until_refresh(cls, resources: Resources) -> "Lifetime":
        """Tell for whatever the next refresh may change."""
        interval = resources.settings.refresh_interval
        return cls(interval, f"public, max-age={ceil(interval)}")


def chosen_form(request: Request) -> AnswerForm:
    """Return what the `Accept` header prefers."""
    accept = ", ".join(request.headers.getlist("accept")).encode("latin-1")
    return AnswerForm.CSV if prefers(accept, "text/csv") else AnswerForm.JSON


async def answer_table(
    request: Request,
    resources: Resources,
    name: AnswerName,
    lifetime: Lifetime,
    form: AnswerForm,
    make: Callable[[], Awaitable[Table]],
) -> Response:
    """Answer with a table, computed unless it is known."""

    async def compute() -> str:
        table = await make()
        return table.to_csv() if form is AnswerForm.CSV else table.to_json()

    return await answer_text(request, resources, name, lifetime, _MEDIA_TYPES[form], compute)


async def answer_text(
    request: Request,
    resources: Resources,
    name: AnswerName,
    lifetime: Lifetime,
    media_type: str,
    make: Callable[[], Awaitable[str]],
) -> Response:
    """Answer with a text, computed unless it is known; its tag is kept with it."""

    async def compute() -> str:
        return _tag(await make())

    answer = await resources.answers.remember(name, lifetime.seconds, compute)
    return _send(request, answer, lifetime, media_type)


def send_table(request: Request, table: Table, lifetime: Lifetime, form: AnswerForm) -> Response:
    """Answer with a table that is not kept."""
    body = table.to_csv() if form is AnswerForm.CSV else table.to_json()
    return _send(request, _tag(body), lifetime, _MEDIA_TYPES[form])


def _tag(body: str) -> str:
    """Return a body with its tag on a line before it."""
    return f'"{blake2b(body.encode(), digest_size=12).hexdigest()}"\n{body}'


def _send(request: Request, answer: str, lifetime: Lifetime, media_type: str) -> Response:
    etag, _, body = answer.partition("\n")
    headers = {"etag": etag, "cache-control": _control(request, lifetime), "vary": "Accept"}
    tags = conditions(request)
    if tags is not None and matches(tags, etag.encode()):
        return Response(status_code=304, headers=headers)
    if media_type.startswith("text/csv"):
        return StreamingResponse(_pieces(body), headers=headers, media_type=media_type)
    return Response(body, headers=headers, media_type=media_type)


def _control(request: Request, lifetime: Lifetime) -> str:
    """Keep nothing for ever whose address leaves the feed to whichever speaks."""
    resources: Resources = request.app.state.resources
    named = request.query_params.get("feed") or len(resources.reader.feeds) == 1
    return lifetime.cache_control if named else lifetime.cache_control.replace(_FOR_EVER, _OVER)


async def _pieces(body: str) -> AsyncIterator[str]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]

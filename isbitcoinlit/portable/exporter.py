"""Series become a file, page by page."""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import IO

from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.models import Metric, Reading, Span
from isbitcoinlit.portable.lines import COLUMNS
from isbitcoinlit.series.samples import ReadingReader

PAGE = 5_000
"""Readings that are asked for at a time: Redis is busy with them for about 3 ms."""


class FileForm(StrEnum):
    """What is written."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported, and how."""

    feed: str
    span: Span
    form: FileForm
    packed: bool
    """Whether it is compressed: a gzip member for each page, which together are one file."""


@dataclass(slots=True)
class Exported:
    """How far an export has come."""

    readings: int
    reached: int
    """Everything before this moment is written; milliseconds since the epoch."""


async def export(
    reader: ReadingReader,
    wanted: Wanted,
    out: IO[bytes],
    tell: Callable[[Exported], None],
    *,
    resumed: bool = False,
) -> Exported:
    """Write all readings of a span, oldest first; raises a `StorageError` or an `OSError`.

    A file that is `resumed` has its header already.
    """
    done = Exported(0, wanted.span.begin)
    if wanted.form is FileForm.CSV and not resumed:
        out.write(_encoded([",".join(COLUMNS)], packed=wanted.packed))
    while done.reached < wanted.span.end:
        page = await reader.read(wanted.feed, Span(done.reached, wanted.span.end), PAGE)
        if page:
            out.write(_encoded(_lines(page, wanted.form), packed=wanted.packed))
        full = len(page) == PAGE
        done.readings += len(page)
        done.reached = to_milliseconds(page[-1].time) + 1 if full else wanted.span.end
        tell(done)
    return done


def _lines(readings: Sequence[Reading], form: FileForm) -> Iterator[str]:
    for reading in readings:
        cells = [reading.time.isoformat(), *(_number(reading, metric) for metric in Metric)]
        if form is FileForm.CSV:
            yield ",".join("" if cell is None else str(cell) for cell in cells)
        else:
            yield json.dumps(dict(zip(COLUMNS, cells, strict=True)), separators=(",", ":"))


def _number(reading: Reading, metric: Metric) -> float | None:
    """The value, in as many digits as it takes to read the same one again."""
    value = reading.value(metric)
    return int(value) if metric is Metric.COUNT and value is not None else value


def _encoded(lines: Sequence[str] | Iterator[str], *, packed: bool) -> bytes:
    text = "".join(f"{line}\n" for line in lines).encode()
    return gzip.compress(text, mtime=0) if packed else text

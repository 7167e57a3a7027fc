"""Rows as they go out: flat, in JSON or as comma-separated values."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from typing import Any

from isbitcoinlit.clock import from_milliseconds, to_milliseconds
from isbitcoinlit.history.candles import Candle
from isbitcoinlit.history.query import Fill, SeriesQuery
from isbitcoinlit.history.rows import Row
from isbitcoinlit.models import Reading

Record = Mapping[str, Any]
Write = Callable[[int], str | int]
"""How a time in milliseconds is written."""


class TimeForm(StrEnum):
    """How times are written."""

    ISO = "iso"
    MILLISECONDS = "ms"

    @property
    def write(self) -> Write:
        """Write a time, given in milliseconds since the epoch."""
        return _iso if self is TimeForm.ISO else int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the same columns, and what is to be said of all of them."""

    columns: Sequence[str]
    rows: Sequence[Record]
    meta: Record

    def to_json(self) -> str:
        """Return `{"data": [...], "meta": {...}}`."""
        document = {"data": self.rows, "meta": self.meta}
        return json.dumps(document, separators=(",", ":"), allow_nan=False)

    def to_csv(self) -> str:
        """Return a header line and the rows; what is missing is empty."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_cell(row[name]) for name in self.columns] for row in self.rows)
        return text.getvalue()


def series_columns(query: SeriesQuery) -> list[str]:
    """Return the names of a series' columns, in order."""
    filled = [f"{m}_filled" for m in query.metrics] if _marks(query) else []
    samples = [f"{m}_samples" for m in query.metrics]
    return ["time", *query.metrics, *samples, *filled, "coverage", "partial"]


def series_records(query: SeriesQuery, rows: Sequence[Row], write: Write) -> Iterator[Record]:
    """Write rows down, flat."""
    marks = _marks(query)
    for row in rows:
        record: dict[str, Any] = {"time": write(row.time)}
        for metric in query.metrics:
            record[metric.value] = row.values[metric]
        for metric in query.metrics:
            record[f"{metric}_samples"] = row.samples[metric]
        if marks:
            for metric in query.metrics:
                record[f"{metric}_filled"] = metric in row.filled
        record["coverage"] = row.coverage
        record["partial"] = row.partial
        yield record


CANDLE_COLUMNS = ["time", "close_time", "open", "high", "low", "close", "samples", "partial"]


def candle_record(candle: Candle, write: Write) -> Record:
    """Write a candle down."""
    return {
        "time": write(candle.time),
        "close_time": write(candle.close_time),
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "samples": candle.samples,
        "partial": candle.partial,
    }


READING_COLUMNS = ["time", "price", "sentiment", "median", "count"]


def reading_record(reading: Reading, write: Write) -> Record:
    """Write a reading down."""
    return {
        "time": write(to_milliseconds(reading.time)),
        "price": reading.price,
        "sentiment": reading.sentiment,
        "median": reading.median,
        "count": None if reading.count is None else int(reading.count),
    }


def _marks(query: SeriesQuery) -> bool:
    return query.fill in (Fill.PREVIOUS, Fill.LINEAR)


def _iso(milliseconds: int) -> str:
    return from_milliseconds(milliseconds).isoformat()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value

"""Lines of a file become samples: comma-separated values, or a JSON object on each line."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from isbitcoinlit.errors import FileUnfit
from isbitcoinlit.feeds.payload import number
from isbitcoinlit.models import PAIR, Metric
from isbitcoinlit.portable.batch import LIMITS, Batch, Broken

COLUMNS = ("time", *Metric)
"""Of what is exported; of what is imported, all but the time may be missing."""
_MILLISECONDS_FROM = 1e11
"""Numbers from here on are milliseconds: as seconds they would lie after the year 5138."""
_is_since_1970 = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII).fullmatch
_DAY_DIGITS = 8
"""So many alone are a day, 20210707; as seconds they would lie before Bitcoin's first block."""
_is_number = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
"""As strict as for feeds: `float()` also takes "1_000", blanks around and digits of any script."""
_SHOWN = 80
_from_iso = datetime.fromisoformat


class LineParser(Protocol):
    """Understands lines."""

    def parse_many(self, first: int, lines: Sequence[str], batch: Batch) -> None:
        """Put what lines say into a batch; the first one has the number `first`."""

    def parse(self, line: str, batch: Batch) -> None:
        """Put what a line says into a batch; raises a `ValueError` with what is wrong with it."""


class CsvParser:
    """Lines of values in the order of a header."""

    def __init__(self, header: str) -> None:
        """Raises `FileUnfit` for a header without a time, or with nothing beside it."""
        names = [cell.lower() for cell in _cells(header)]
        self._count = len(names)
        metrics = [(names.index(metric), metric) for metric in Metric if metric in names]
        if "time" not in names or not metrics:
            raise FileUnfit(
                f"The first line should name the columns, time and {', '.join(Metric)} (what there "
                f"is of them), but it is {header[:_SHOWN]!r}."
            )
        self._time = names.index("time")
        self._metrics: Sequence[tuple[int, Metric]] = metrics
        self._has_pair = [metric for _, metric in metrics[: len(PAIR)]] == list(PAIR)

    def parse_many(self, first: int, lines: Sequence[str], batch: Batch) -> None:
        """Put what lines say into a batch; twice as fast where nothing is unusual."""
        columns = [(i, *LIMITS[metric], batch.samples[metric]) for i, metric in self._metrics]
        if not self._has_pair:
            parse_lines(self, first, lines, batch)
            return
        (price_at, least, most, prices), (mood_at, low, high, moods), *others = columns
        time_at, taken = self._time, 0
        for at, line in enumerate(lines, first):
            try:
                cells = line.split(",")
                moment = _from_iso(cells[time_at])
                first_text, second_text = cells[price_at], cells[mood_at]
                if (
                    len(cells) == self._count
                    and moment.tzinfo
                    and _is_number(first_text)
                    and _is_number(second_text)
                    and not (others and any(cells[other[0]] for other in others))
                ):
                    time = round(moment.timestamp() * 1_000)
                    price, mood = float(first_text), float(second_text)
                    if least <= price <= most and low <= mood <= high and batch.is_time(time):
                        prices.setdefault(time, price)
                        moods.setdefault(time, mood)
                        taken += 1
                        continue
            except (ValueError, LookupError, OverflowError):
                pass
            # What is wrong with it, or just unusual, is found out without haste.
            parse_lines(self, at, [line], batch)
        batch.readings += taken

    def parse(self, line: str, batch: Batch) -> None:
        """Put what a line says into a batch."""
        cells = _cells(line)
        if len(cells) != self._count:
            raise ValueError(f"it has {len(cells)} values, and the header {self._count}")
        values = [(metric, _number(cells[at])) for at, metric in self._metrics if cells[at]]
        batch.take(milliseconds(cells[self._time]), values)


class JsonParser:
    """Lines of JSON objects."""

    def parse_many(self, first: int, lines: Sequence[str], batch: Batch) -> None:
        """Put what lines say into a batch."""
        parse_lines(self, first, lines, batch)

    def parse(self, line: str, batch: Batch) -> None:
        """Put what a line says into a batch."""
        try:
            # Every number as a float: an integer of thousands of digits is refused by int().
            row = json.loads(line, parse_int=float)
        except (ValueError, RecursionError):
            raise ValueError("it is no JSON") from None
        if not isinstance(row, dict):
            raise TypeError("it is no JSON object")
        values = [(m, number(row[m])) for m in Metric if row.get(m) is not None]
        batch.take(milliseconds(row.get("time")), values)


def parse_lines(parser: LineParser, first: int, lines: Sequence[str], batch: Batch) -> None:
    """Put all that the lines say into a batch; the first one has the number `first`."""
    for at, line in enumerate(lines, first):
        if line and not line.isspace():
            try:
                parser.parse(line, batch)
            except (ValueError, TypeError) as error:
                batch.broken.append(Broken(at, str(error)))


def milliseconds(time: Any) -> int:
    """Return a moment in milliseconds since the epoch, else raise a `ValueError`.

    It is written as ISO 8601 (naive means UTC), or a number of seconds or milliseconds. What is
    finer than a millisecond is rounded as feeds do, so that one moment is never two.
    """
    if isinstance(time, str) and (len(time) == _DAY_DIGITS or not _is_since_1970(time)):
        # Numbers are none of its business: it takes 1626010100000 for a day of the year 1626.
        try:
            moment = _from_iso(time)
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return round(aware.timestamp() * 1_000)
        except (ValueError, OverflowError):
            raise ValueError(f"its time cannot be read: {time[:_SHOWN]!r}") from None
    if time is None:
        raise ValueError("it has no time")
    value = number(time)
    return round(value if value >= _MILLISECONDS_FROM else value * 1_000)


def _number(cell: str) -> float:
    if not _is_number(cell):
        raise ValueError(f"not a number: {cell[:_SHOWN]!r}")
    return float(cell)


def _cells(line: str) -> list[str]:
    """Return the values of a line; there is none that a comma could be part of."""
    cells = line.rstrip("\r").split(",")
    if '"' in line:
        return [cell.strip().removeprefix('"').removesuffix('"') for cell in cells]
    return cells

"""A file of readings, read in pieces: the format is recognised, the memory it takes is constant."""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from isbitcoinlit.clock import Clock, to_milliseconds
from isbitcoinlit.errors import FeedInvalid, FileUnfit
from isbitcoinlit.feeds.rows import parse_rows
from isbitcoinlit.models import Metric
from isbitcoinlit.portable.batch import Batch, Broken
from isbitcoinlit.portable.lines import CsvParser, JsonParser, LineParser, parse_lines

PIECE = 65_536
"""Bytes: about 1,000 readings, while which are read Redis is at work on those before."""
LONGEST = 65_536
"""Bytes of a line or a row; what a longer one has beyond is not kept, and so it is broken."""

_GZIP = b"\x1f\x8b"
_ROW = re.compile(rb"\{[^{}]*\}")
"""One row of SentiCrypt's array: an object without others in it."""
_BETWEEN = re.compile(rb"[\s,\[\]]*")


class Source:
    """A file of one of the formats; `bytes_read` of `size` tell how far it has been read."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._raw: IO[bytes] | None = None
        self.size = path.stat().st_size

    @property
    def bytes_read(self) -> int:
        """How much of the file was read, compressed if it is."""
        return self._raw.tell() if self._raw and not self._raw.closed else self.size

    def batches(self) -> Iterator[Batch]:
        """Read the file; raises `FileUnfit` at its beginning, and an `OSError`."""
        with self._path.open("rb") as self._raw:
            packed = self._raw.read(2) == _GZIP
            self._raw.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=self._raw) as unpacked:
                    yield from self._read(unpacked)
            else:
                yield from self._read(self._raw)

    def _read(self, stream: IO[bytes] | gzip.GzipFile) -> Iterator[Batch]:
        pieces = _Pieces(stream)
        start = pieces.begin()
        if start.startswith(b"["):
            yield from self._rows(pieces)
        elif start:
            yield from self._lines(pieces, is_json=start.startswith(b"{"))
        else:
            raise FileUnfit(f"There is nothing in {self._path.name}.")
        if pieces.failure:
            yield self._batch_of(Broken(pieces.lines + 1, pieces.failure))

    def _batch(self) -> Batch:
        return Batch(to_milliseconds(self._clock.now()))

    def _batch_of(self, broken: Broken) -> Batch:
        batch = self._batch()
        batch.broken.append(broken)
        return batch

    def _lines(self, pieces: "_Pieces", *, is_json: bool) -> Iterator[Batch]:
        parser: LineParser | None = JsonParser() if is_json else None
        for first, lines in pieces.split():
            at = first
            while parser is None and lines:
                # The header is the first line that is not empty.
                if header := lines.pop(0).strip():
                    parser = CsvParser(header)
                at += 1
            batch = self._batch()
            if parser:
                parse_lines(parser, at, lines, batch)
            yield batch

    def _rows(self, pieces: "_Pieces") -> Iterator[Batch]:
        number, rest = 0, b""
        for piece in pieces:
            data, done, batch = rest + piece, 0, self._batch()
            for row in _ROW.finditer(data):
                number += 1
                self._row(number, data[done : row.start()], row[0], batch)
                done = row.end()
            rest = data[done:][:LONGEST]
            yield batch
        if not _BETWEEN.fullmatch(rest):
            yield self._batch_of(Broken(number + 1, "the file ends in the middle of it"))

    def _row(self, number: int, before: bytes, row: bytes, batch: Batch) -> None:
        """Read a row with the feed's own rules."""
        if not _BETWEEN.fullmatch(before):
            batch.broken.append(Broken(number, "there is something else before it"))
        try:
            pull = parse_rows(b"[" + row + b"]", self._clock.now(), "It is an array of")
            for reading in pull.readings:
                values = ((metric, reading.value(metric)) for metric in Metric)
                given = [(metric, value) for metric, value in values if value is not None]
                batch.take(to_milliseconds(reading.time), given)
        except (FeedInvalid, ValueError) as error:
            batch.broken.append(Broken(number, str(error)))
            return
        if pull.rejected:
            batch.broken.append(Broken(number, ", ".join(pull.rejected)))


class _Pieces:
    """The bytes of a stream, up to where they can be read."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile) -> None:
        self._stream = stream
        self._first = b""
        self.lines = 0
        self.failure = ""

    def begin(self) -> bytes:
        """Return the first piece without what says nothing at its beginning."""
        self._first = self._more().removeprefix(b"\xef\xbb\xbf")
        return self._first.lstrip()

    def __iter__(self) -> Iterator[bytes]:
        piece = self._first
        while piece:
            yield piece
            piece = self._more()

    def split(self) -> Iterator[tuple[int, list[str]]]:
        """Return whole lines, some at a time, with the number of the first of them."""
        rest = b""
        for piece in self:
            data = rest + piece
            whole, end, rest = data.rpartition(b"\n")
            rest = rest[:LONGEST]
            if end:
                yield self._decoded(whole)
        if rest:
            yield self._decoded(rest)

    def _decoded(self, data: bytes) -> tuple[int, list[str]]:
        lines = data.decode(errors="replace").split("\n")
        first = self.lines + 1
        self.lines += len(lines)
        return first, lines

    def _more(self) -> bytes:
        try:
            return self._stream.read(PIECE)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            self.failure = f"the file cannot be unpacked from here on ({error})"
            return b""

"""Series become files, and files the same series."""

import gzip
from collections.abc import Awaitable, Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO

import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.models import PAIR, Reading, Span
from isbitcoinlit.portable.exporter import PAGE, FileForm, Wanted, export
from isbitcoinlit.portable.part import look, part_of
from isbitcoinlit.series.buckets import ROLLED_UP, Interval
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.planner import BucketReader
from isbitcoinlit.series.samples import ReadingReader
from isbitcoinlit.series.store import SeriesStore
from tests.portable.conftest import FEED, Import
from tests.readings import NOON, reading, readings

pytestmark = pytest.mark.anyio

Stored = Callable[..., Awaitable[list[Reading]]]
FIRST = to_milliseconds(NOON) - 30_000 * 12_000

GIVEN = [
    replace(r, price=None if i % 5 == 0 else r.price, median=0.1, count=float(i))
    if i % 3
    else replace(r, sentiment=None if i % 9 == 0 else r.sentiment)
    for i, r in enumerate(readings(2 * PAGE + 700, first=-30 * 12_000))
]
"""More than two pages; some lack the price, some the sentiment, and some have more."""
GIVEN[0] = reading(-30 * 12_000, 0.1 + 0.2, -1 / 3)
ALL = Span(FIRST, to_milliseconds(NOON))

FORMS = [(form, packed) for form in FileForm for packed in (False, True)]


def wanted(form: FileForm = FileForm.CSV, *, packed: bool = False, span: Span = ALL) -> Wanted:
    """What is exported."""
    return Wanted(FEED, span, form, packed)


@pytest.fixture
async def reader(redis: Redis, keys: Keys) -> ReadingReader:
    """Reads the series that are to be exported."""
    await SeriesStore(redis, keys).add(FEED, GIVEN)
    return ReadingReader(redis, keys)


async def written(reader: ReadingReader, what: Wanted) -> bytes:
    """What an export writes."""
    out = BytesIO()
    await export(reader, what, out, lambda _: None)
    return out.getvalue()


@pytest.mark.parametrize(("form", "packed"), FORMS)
async def test_an_export_is_the_same_series_elsewhere(
    reader: ReadingReader,
    run: Import,
    stored: Stored,
    redis: Redis,
    keys: Keys,
    tmp_path: Path,
    form: FileForm,
    packed: bool,
) -> None:
    """An export that is imported elsewhere gives the same readings, hours and days, to the bit."""
    path, other = tmp_path / "file", Keys(f"{keys.prefix}-other")
    path.write_bytes(await written(reader, wanted(form, packed=packed)))

    report = await run(path, into=other)

    assert report.broken == []
    assert await stored(other) == await stored() == GIVEN
    for interval in (Interval.HOUR, Interval.DAY):
        span = Span(interval.floor(ALL.begin), interval.ceil(ALL.end))
        found = [
            await BucketReader(redis, one).read(FEED, PAIR, interval, ROLLED_UP, span)
            for one in (keys, other)
        ]
        assert found[0] == found[1]


async def test_a_file_is_what_it_says(reader: ReadingReader) -> None:
    """A CSV has a header and ISO times; what is missing is empty."""
    lines = (await written(reader, wanted())).decode().splitlines()

    assert lines[0] == "time,price,sentiment,median,count"
    assert lines[1] == "2021-07-03T08:00:00+00:00,0.30000000000000004,-0.3333333333333333,,"
    assert len(lines) == len(GIVEN) + 1


async def test_a_span_is_half_open(reader: ReadingReader) -> None:
    """`--from` belongs to it, `--to` does not."""
    times = [to_milliseconds(r.time) for r in GIVEN]

    text = await written(reader, wanted(span=Span(times[10], times[20])))

    assert [line[:25] for line in text.decode().splitlines()[1:]] == [
        r.time.isoformat() for r in GIVEN[10:20]
    ]


class FullDisk(BytesIO):
    """A file that cannot grow beyond so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, data: object) -> int:
        """Write what fits."""
        assert isinstance(data, bytes)
        super().write(data[: max(0, self._room - self.tell())])
        if self.tell() >= self._room:
            raise OSError("no space left")
        return len(data)


@pytest.mark.parametrize(("form", "packed"), FORMS)
async def test_an_interrupted_export_goes_on(
    reader: ReadingReader, form: FileForm, packed: bool
) -> None:
    """Cut off anywhere and begun again, the content is that of an export without a break."""
    what = wanted(form, packed=packed)
    whole = await written(reader, what)
    open_ = gzip.decompress if packed else bytes
    for share in (0.0, 0.0001, 0.02, 0.4, 0.7, 0.99):
        broken = FullDisk(int(len(whole) * share))
        with pytest.raises(OSError, match="no space left"):
            await export(reader, what, broken, lambda _: None)

        finished = await _gone_on_with(reader, BytesIO(broken.getvalue()), what)

        assert open_(finished) == open_(whole)


async def _gone_on_with(reader: ReadingReader, file: IO[bytes], what: Wanted) -> bytes:
    good = look(file, what)
    file.seek(0)
    kept = BytesIO(file.read(good.length))
    kept.seek(0, 2)
    if good.last is not None:
        what = replace(what, span=Span(good.last + 1, what.span.end))
    await export(reader, what, kept, lambda _: None, resumed=good.length > 0)
    return kept.getvalue()


def test_another_question_has_another_part() -> None:
    """A file that is not whole is gone on with for the same question only."""
    path = Path("readings.csv")
    parts = {
        part_of(path, wanted(), "a"),
        part_of(path, wanted(), "b"),
        part_of(path, wanted(FileForm.JSONL), "a"),
        part_of(path, wanted(packed=True), "a"),
    }

    assert len(parts) == 4

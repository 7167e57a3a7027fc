"""Files become series."""

import asyncio
import gzip
import json
import random
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import from_milliseconds, to_milliseconds
from isbitcoinlit.errors import FileUnfit, RedisUnavailable
from isbitcoinlit.feeds.rows import parse_rows
from isbitcoinlit.models import PAIR, Metric, Reading, Span
from isbitcoinlit.portable.batch import Batch
from isbitcoinlit.portable.importer import Imported
from isbitcoinlit.portable.lines import CsvParser, JsonParser
from isbitcoinlit.portable.source import LONGEST, Source
from isbitcoinlit.series.buckets import ROLLED_UP, Interval
from isbitcoinlit.series.bulk import BulkWriter
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.planner import BucketReader
from isbitcoinlit.series.store import SeriesStore
from tests.manual_clock import ManualClock
from tests.own_redis import own_redis
from tests.portable.conftest import FEED, Import
from tests.readings import NOON, readings

pytestmark = pytest.mark.anyio

Write = Callable[..., Path]
Stored = Callable[..., Awaitable[list[Reading]]]

HEADER = "time,price,sentiment\n"
SENTICRYPT = (
    '[{"count":7259,"timestamp":1625592626.3452034,"rate":0.0,"last":0.33,"sum":1425.82,'
    '"mean":0.2,"median":0.23,"btc_price":"33885.23"},\n'
    ' {"timestamp":1625592656.5,"mean":0.21,"btc_price":"34504"}]'
)


def as_csv(given: list[Reading]) -> str:
    """A file of readings."""
    rows = (f"{r.time.isoformat()},{r.price},{r.sentiment}\n" for r in given)
    return HEADER + "".join(rows)


def as_json_lines(given: list[Reading]) -> str:
    """The same, as JSON."""
    rows = ({"time": r.time.isoformat(), "price": r.price, "sentiment": r.sentiment} for r in given)
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", [as_csv, as_json_lines])
async def test_what_a_file_has_is_stored(
    run: Import, stored: Stored, write: Write, form: Callable[..., str], packed: bool
) -> None:
    """Each reading of a file, of either format, compressed or not, is stored as it is."""
    given = readings(2_500, first=-80_000)

    report = await run(write(form(given), packed=packed))

    assert await stored() == given
    assert (report.done.readings, report.done.stored.added, report.broken) == (2_500, 5_000, [])


async def test_senticrypts_json_is_read(run: Import, stored: Stored, write: Write) -> None:
    """The original feed's array is recognised, with its count and median."""
    await run(write(SENTICRYPT))

    assert await stored() == [
        Reading(from_milliseconds(1_625_592_626_345), 33_885.23, 0.2, 0.23, 7_259.0),
        Reading(from_milliseconds(1_625_592_656_500), 34_504.0, 0.21),
    ]


async def test_the_second_time_nothing_is_written(
    run: Import, redis: Redis, stored: Stored, write: Write
) -> None:
    """What is stored already is found by comparing, and not sent again."""
    path = write(as_csv(readings(3_000, first=-90_000)))
    await run(path)
    before, kept = (await redis.info("commandstats"))["cmdstat_ts.madd"]["calls"], await stored()

    again = await run(path)

    assert (again.done.stored.added, again.done.stored.already_stored) == (0, 6_000)
    assert (await redis.info("commandstats"))["cmdstat_ts.madd"]["calls"] == before
    assert await stored() == kept
    assert again.told == []


async def test_an_interrupted_import_goes_on(run: Import, stored: Stored, write: Write) -> None:
    """Interrupted in the middle it has told of what it stored; begun again it stores the rest."""
    given = readings(20_000, first=-600_000)
    path, told = write(as_csv(given)), list[Span]()

    def interrupt(done: Imported) -> None:
        if done.readings > 10_000:
            work.cancel()

    work = asyncio.ensure_future(run(path, tell=interrupt, told=told))
    with pytest.raises(asyncio.CancelledError):
        await work
    half = await stored()
    report = await run(path)

    assert 0 < len(half) < 20_000
    assert all(any(s.begin <= to_milliseconds(r.time) < s.end for s in told) for r in half)
    assert report.done.stored.added > 0
    assert report.done.stored.already_stored > 0
    assert await stored() == given


async def test_a_file_that_fails_leaves_nothing_untold(
    run: Import, stored: Stored, write: Write
) -> None:
    """An error in the middle is raised after others heard of what was stored before."""
    told: list[Span] = []

    def fail(done: Imported) -> None:
        if done.readings > 2_000:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await run(write(as_csv(readings(5_000, first=-150_000))), tell=fail, told=told)

    half = [to_milliseconds(r.time) for r in await stored()]
    assert told == [Span(half[0], half[-1] + 1)]


async def test_what_was_stored_stays(run: Import, stored: Stored, write: Write) -> None:
    """A file that contradicts what is stored changes nothing of it."""
    time = NOON.isoformat()
    await run(write(f"{HEADER}{time},100,0.1\n"))

    await run(write(f"{HEADER}{time},200,0.2\n{time},300,0.3\n"))

    assert await stored() == [Reading(NOON, 100.0, 0.1)]


BAD_LINES = (
    "x,1,0.1",
    "2021-07-07T12:00:00,1_000,0.1",
    '2021-07-07T12:00:00,"1,234.56",0.1',
    "2021-07-07T12:00:00,0,0.1",
    "2021-07-07T12:00:00,-5,0.1",
    "2021-07-07T12:00:00,nan,0.1",
    "2021-07-07T12:00:00,1e400,0.1",
    "2021-07-07T12:00:00,1,1.01",
    "2021-07-07T12:00:00,,",
    "2021-07-07T12:00:00,1",
    "2008-07-07T12:00:00,1,0.1",
    "2021-07-07T17:31:01,1,0.1",
    "1625659200000000,1,0.1",
    ",1,0.1",
    "\x00\x00\x00",
    "2021-07-07T12:00:00,1,0.1,\ufffd" + "9" * (2 * LONGEST),
)


@pytest.mark.parametrize("packed", [False, True])
async def test_a_broken_line_is_told_by_number(
    run: Import, stored: Stored, write: Write, packed: bool
) -> None:
    """Each broken line is reported with its number, stores nothing, and stops nothing."""
    good = readings(len(BAD_LINES), first=0)
    lines = [
        line
        for reading, bad in zip(good, BAD_LINES, strict=True)
        for line in (bad, f"{reading.time.isoformat()},{reading.price},{reading.sentiment}")
    ]

    report = await run(write("\n\n" + HEADER + "\n".join(lines), packed=packed))

    assert [b.number for b in report.broken] == list(range(4, 4 + 2 * len(BAD_LINES), 2))
    assert all(b.reason for b in report.broken)
    assert await stored() == good


@pytest.mark.parametrize("line", ["nonsense", "[]", "5", "{}", '{"time": 5}', "{" * 100_000])
async def test_broken_json_is_told_by_number(
    run: Import, stored: Stored, write: Write, line: str
) -> None:
    """A line that is no JSON, or not of a reading, is reported and stops nothing."""
    good = readings(2)

    report = await run(write(as_json_lines(good[:1]) + line + "\n" + as_json_lines(good[1:])))

    assert [b.number for b in report.broken] == [2]
    assert await stored() == good


async def test_broken_rows_are_told_by_number(run: Import, stored: Stored, write: Write) -> None:
    """A row of SentiCrypt's array that is wrong, or cut off, is reported by its place."""
    future = '{"timestamp":1999999999,"mean":0.1,"btc_price":"5"}'
    text = SENTICRYPT[:-1] + f', {future}, {{"timestamp":16255927'

    report = await run(write(text))

    assert [b.number for b in report.broken] == [3, 4]
    assert len(await stored()) == 2


async def test_a_damaged_archive_gives_what_it_can(
    run: Import, stored: Stored, write: Write
) -> None:
    """A compressed file that ends too early is reported, and what came before is stored."""
    path = write(as_csv(readings(5_000, first=-150_000)), packed=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    report = await run(path)

    assert "cannot be unpacked" in report.broken[-1].reason
    assert 1_000 < len(await stored()) < 5_000


@pytest.mark.parametrize("text", ["", "\n\n", "<html>\n", "price,sentiment\n1,2\n", "time\n5\n"])
async def test_what_is_no_such_file_is_refused(run: Import, write: Write, text: str) -> None:
    """A file without readings or without a header is refused as a whole, in a sentence."""
    with pytest.raises(FileUnfit):
        await run(write(text))


async def test_times_are_read_in_all_forms(run: Import, stored: Stored, write: Write) -> None:
    """ISO 8601 with and without an offset, seconds and milliseconds are one and the same moment."""
    forms = ("2021-07-07T12:00:00", "2021-07-07T14:00:00+02:00", "1625659200", "1625659200000")

    report = await run(write(HEADER + "".join(f"{form},5,0.1\n" for form in forms)))

    assert (report.done.readings, await stored()) == (4, [Reading(NOON, 5.0, 0.1)])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1626010100000", 1_626_010_100_000),
        ("1626010100", 1_626_010_100_000),
        ("20210707", 1_625_616_000_000),
    ],
)
def test_digits_are_no_date_but_eight(text: str, moment: int) -> None:
    """Python would read 1626010100000 as a minute of the year 1626, and it is milliseconds."""
    batch = Batch(now=moment)

    CsvParser("time,price,sentiment").parse_many(2, [f"{text},5,0.1"], batch)
    JsonParser().parse_many(1, [json.dumps({"time": text, "median": 0.2, "price": 5})], batch)

    assert batch.broken == []
    assert batch.samples[Metric.SENTIMENT] == {moment: 0.1}
    assert batch.samples[Metric.MEDIAN] == {moment: 0.2}


MICROSECONDS = (
    "2021-07-06T17:30:56.421515+00:00",
    "2021-07-06T19:30:56.421515+02:00",
    "2021-07-06 17:30:56.421515",
    "1625592656.421515",
    "1625592656421.515",
)


@pytest.mark.parametrize("rest", [",5,0.1", ",5,"])
def test_microseconds_are_rounded_in_all_forms(rest: str) -> None:
    """A moment is one and the same reading however it is written, on both paths, as in feeds."""
    batch = Batch(now=to_milliseconds(NOON))
    rows = [json.dumps({"time": t, "price": 5}) for t in (*MICROSECONDS, 1_625_592_656.421515)]

    CsvParser("time,price,sentiment").parse_many(2, [t + rest for t in MICROSECONDS], batch)
    JsonParser().parse_many(1, rows, batch)
    feed = parse_rows(b'[{"timestamp":1625592656.421515,"mean":0.21,"btc_price":"34504"}]', NOON)

    assert batch.broken == []
    assert set(batch.samples[Metric.PRICE]) == {1_625_592_656_422}
    assert [to_milliseconds(r.time) for r in feed.readings] == [1_625_592_656_422]


async def test_rollups_are_right_after_late_data(
    run: Import, redis: Redis, keys: Keys, write: Write
) -> None:
    """Old readings imported behind new ones, in any order, are in the hours and days as stored."""
    given = readings(2_400, first=-3 * 86_400, step=97.0)
    await SeriesStore(redis, keys).add(FEED, given[1_800:])
    shuffled = given[:1_900]
    random.Random(3).shuffle(shuffled)

    await run(write(as_csv(shuffled)))

    for interval in (Interval.HOUR, Interval.DAY):
        span = Span(
            interval.floor(to_milliseconds(given[0].time)),
            interval.ceil(to_milliseconds(given[-1].time)),
        )
        found = await BucketReader(redis, keys).read(FEED, PAIR, interval, ROLLED_UP, span)
        for metric in PAIR:
            expected = await redis.ts().range(
                keys.series(FEED, metric),
                span.begin,
                span.end - 1,
                aggregation_type="avg",
                bucket_size_msec=interval.width,
            )
            averages = {t: b[ROLLED_UP[1]] / b[ROLLED_UP[0]] for t, b in found[metric].items()}
            assert averages == pytest.approx({row[0]: row[1] for row in expected}, abs=1e-9)
            assert sum(b[ROLLED_UP[0]] for b in found[metric].values()) == 2_400


async def test_others_hear_of_it(run: Import, write: Write) -> None:
    """Whoever keeps answers is told between which times readings were stored."""
    given = readings(1_000, first=-60_000)

    report = await run(write(as_csv(given)))

    begin = min(span.begin for span in report.told)
    end = max(span.end for span in report.told)
    assert (begin, end) == (to_milliseconds(given[0].time), to_milliseconds(given[-1].time) + 1)


async def test_what_has_expired_is_refused(run: Import, write: Write) -> None:
    """With a retention, readings of a day that is not wholly kept are counted, not stored."""
    old, new = readings(5, first=-10 * 86_400), readings(5)

    report = await run(write(as_csv(old + new)), retention_seconds=172_800)

    assert report.done.stored.rejected == {"older-than-retention": 10}
    assert report.done.stored.added == 10


async def test_memory_is_constant(write: Write, clock: ManualClock) -> None:
    """A file ten times as long takes no more memory."""
    peaks = []
    for count in (5_000, 50_000):
        path = write(as_csv(readings(count, first=-30 * 50_000)))
        tracemalloc.start()
        total = sum(batch.readings for batch in Source(path, clock).batches())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert total == count

    assert peaks[1] < 1.2 * peaks[0]


async def test_one_line_without_end_is_no_flood(write: Write, clock: ManualClock) -> None:
    """A line of 20 MB is one broken line, and is not kept in memory."""
    path = write(HEADER + "9" * 20_000_000)
    tracemalloc.start()
    batches = list(Source(path, clock).batches())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [b.number for batch in batches for b in batch.broken] == [2]
    assert peak < 2_000_000


async def test_a_redis_that_dies_is_told() -> None:
    """A Redis that is gone ends an import with our error, and nothing hangs."""

    async def ignore(_feed: str, _spans: object) -> None:
        pass

    def batch(first: int) -> Batch:
        new = Batch(now=to_milliseconds(NOON + timedelta(days=1)))
        for reading in readings(1_000, first=first):
            new.take(to_milliseconds(reading.time), [(Metric.PRICE, reading.price or 0)])
        return new

    with own_redis() as server:
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            writer = BulkWriter(redis, Keys("given"), FEED, tell=ignore)

            async def work() -> None:
                async with writer.writing():
                    await writer.add(batch(0).samples)
                    server.stop()
                    await writer.add(batch(30_000).samples)

            with pytest.raises(RedisUnavailable):
                await work()


async def test_series_that_vanish_are_counted(redis: Redis, keys: Keys) -> None:
    """Samples of a series that somebody deleted meanwhile are counted as refused."""

    async def ignore(_feed: str, _spans: object) -> None:
        pass

    writer = BulkWriter(redis, keys, FEED, tell=ignore)
    async with writer.writing():
        await redis.delete(keys.series(FEED, Metric.PRICE))
        await writer.add({Metric.PRICE: {to_milliseconds(NOON): 5.0}})

    assert writer.stored.rejected == {"series-missing": 1}


def test_a_batch_keeps_the_first() -> None:
    """Of two readings with one time the first keeps what it has, and gets what it lacks."""
    batch = Batch(now=to_milliseconds(NOON))
    batch.take(to_milliseconds(NOON), [(Metric.PRICE, 1.0)])
    batch.take(to_milliseconds(NOON), [(Metric.PRICE, 2.0), (Metric.SENTIMENT, 0.5)])

    assert batch.samples[Metric.PRICE] == {to_milliseconds(NOON): 1.0}
    assert batch.samples[Metric.SENTIMENT] == {to_milliseconds(NOON): 0.5}


def test_gzip_is_recognised_by_its_content(write: Write, clock: ManualClock) -> None:
    """The name of a file says nothing."""
    path = write(as_csv(readings(3)), packed=True)

    assert gzip.decompress(path.read_bytes())
    assert sum(batch.readings for batch in Source(path, clock).batches()) == 3

"""The past over HTTP: 400 readings, 30 s apart, from 08:50 to 12:09:30."""

import csv
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from io import StringIO
from itertools import groupby
from statistics import fmean
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import HOUR
from isbitcoinlit.models import PAIR, Metric, Reading
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.web.app import Service
from tests.command_count import CommandCount
from tests.manual_clock import ManualClock
from tests.readings import NOON, GivenFeed, reading, readings
from tests.web.conftest import MakeClient

pytestmark = pytest.mark.anyio

GIVEN = readings(400, first=-11_400)
"""What the feed gave."""


async def get(client: httpx.AsyncClient, path: str, **parameters: str) -> Any:
    """The document at a path."""
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def values(given: Iterable[Reading], metric: Metric) -> list[float]:
    """The values of a metric that these readings have."""
    return [value for r in given if (value := r.value(metric)) is not None]


def in_python() -> dict[str, list[Reading]]:
    """The readings by the hour they lie in."""
    groups = groupby(GIVEN, key=lambda r: r.time.replace(minute=0, second=0).isoformat())
    return {hour: list(found) for hour, found in groups}


async def test_hours_equal_plain_python(client: httpx.AsyncClient) -> None:
    """By default there are 24 hours; each is the mean of its readings, or null."""
    document = await get(client, "/api/v1/series")
    hours = in_python()

    assert len(document["data"]) == 24
    for row in document["data"]:
        found = hours.get(row["time"], [])
        assert row["price_samples"] == row["sentiment_samples"] == len(found)
        for metric in PAIR:
            wanted = pytest.approx(fmean(values(found, metric))) if found else None
            assert row[metric] == wanted
    assert [row["time"] for row in document["data"] if row["partial"]] == [NOON.isoformat()]
    assert document["meta"] == {
        "feed": "given",
        "interval": "1h",
        "aggregation": "avg",
        "from": "2021-07-06T13:00:00+00:00",
        "to": "2021-07-07T13:00:00+00:00",
        "as_of": "2021-07-07T12:09:30+00:00",
        "stale": False,
        "next": None,
    }


async def test_each_aggregation(client: httpx.AsyncClient) -> None:
    """What an hour is told by follows from its readings."""
    found = values(in_python()["2021-07-07T10:00:00+00:00"], Metric.PRICE)
    mean = fmean(found)
    wanted = {
        "avg": mean,
        "min": min(found),
        "max": max(found),
        "first": found[0],
        "last": found[-1],
        "sum": sum(found),
        "count": 120,
        "range": max(found) - min(found),
        "std.p": fmean((v - mean) ** 2 for v in found) ** 0.5,
    }
    for aggregation, value in wanted.items():
        document = await get(
            client,
            "/api/v1/series",
            aggregation=aggregation,
            **{"from": "2021-07-07T10:00", "to": "2021-07-07T11:00"},
        )
        assert [row["price"] for row in document["data"]] == [pytest.approx(value, rel=1e-9)]


async def test_one_metric(client: httpx.AsyncClient) -> None:
    """Columns that are not asked for are not there."""
    found = await get(client, "/api/v1/series", metrics="sentiment", limit="1")

    assert set(found["data"][0]) == {
        "time",
        "sentiment",
        "sentiment_samples",
        "coverage",
        "partial",
    }


async def test_pages_of_rows(client: httpx.AsyncClient) -> None:
    """`next` of one page is `from` of the next, and together they are the whole."""
    whole = await get(client, "/api/v1/series")
    pages, begin = [], "now-23h"
    while begin:
        page = await get(client, "/api/v1/series", limit="7", **{"from": begin})
        pages += page["data"]
        begin = page["meta"]["next"]

    assert pages == whole["data"]


async def test_times_in_milliseconds(client: httpx.AsyncClient) -> None:
    """With `ts=ms` every time is a number."""
    found = await get(client, "/api/v1/series", ts="ms", limit="1", **{"from": "2021-07-07T10:00"})

    assert found["data"][0]["time"] == 1_625_652_000_000
    assert found["meta"]["next"] == 1_625_655_600_000


def cell(value: object) -> str:
    """A value as a table has it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


async def test_csv_has_the_same_rows(client: httpx.AsyncClient) -> None:
    """Asked for by `format` or `Accept`: a header line, empty cells for null."""
    rows = (await get(client, "/api/v1/series"))["data"]
    asked = await client.get("/api/v1/series?format=csv")
    accepted = await client.get("/api/v1/series", headers={"accept": "text/csv"})

    assert asked.headers["content-type"] == "text/csv; charset=utf-8"
    assert accepted.text == asked.text
    table = list(csv.DictReader(StringIO(asked.text)))
    assert list(table[0]) == list(rows[0])
    for cells, row in zip(table, rows, strict=True):
        for name, value in row.items():
            text = cell(value)
            assert cells[name] == text


async def test_candles(client: httpx.AsyncClient) -> None:
    """First, highest, lowest and last of each hour; a gap has nulls; sentiment has them too."""
    moods = values(in_python()["2021-07-07T11:00:00+00:00"], Metric.SENTIMENT)
    found = await get(client, "/api/v1/candles", metric="sentiment", **{"from": "2021-07-07T08:00"})
    late = next(c for c in found["data"] if c["time"] == "2021-07-07T11:00:00+00:00")

    assert late == {
        "time": "2021-07-07T11:00:00+00:00",
        "close_time": "2021-07-07T12:00:00+00:00",
        "open": moods[0],
        "high": max(moods),
        "low": min(moods),
        "close": moods[-1],
        "samples": 120,
        "partial": False,
    }
    assert [candle["partial"] for candle in found["data"]] == [False] * 4 + [True]


async def test_readings_page_by_page_while_more_arrive(
    client: httpx.AsyncClient, app: Service, feed: GivenFeed
) -> None:
    """Every reading of the beginning comes once, though others are stored between the pages."""
    page = await get(client, "/api/v1/readings", limit="150", **{"from": "2021-07-07T08:00"})
    seen = page["data"]
    before = reading(-11_395, 1.0)
    after = reading(-3_605, 2.0)
    feed.answers = [[before, after]]
    await app.state.resources.refresher.force()
    while page["meta"]["next"]:
        page = await get(client, "/api/v1/readings", limit="150", cursor=page["meta"]["next"])
        seen += page["data"]

    times = [row["time"] for row in seen]
    assert times == sorted(set(times))
    assert {r.time.isoformat() for r in GIVEN} | {after.time.isoformat()} == set(times)
    assert seen[0] == {
        "time": "2021-07-07T08:50:00+00:00",
        "price": 34_000,
        "sentiment": -0.9,
        "median": None,
        "count": None,
    }


async def test_a_foreign_cursor(client: httpx.AsyncClient) -> None:
    """What is no cursor of ours is refused."""
    forged = (
        ["demo", 0, 10**18],
        ["demo", 10**30, 10**31],
        ["\ud800", 0, 1],
        ["{}*", 0, 1],
        ["demo", 0, 1.5],
    )
    texts = [json.dumps(one) for one in forged] + ["[" * 5_000]
    cursors = [urlsafe_b64encode(text.encode()).decode() for text in texts]
    for cursor in ("banana", "W10", "WyJhIiwtMSwyXQ", "ä", *cursors):
        answer = await client.get("/api/v1/readings", params={"cursor": cursor})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == "cursor"


async def test_summary(client: httpx.AsyncClient) -> None:
    """Latest, high and low equal the readings'; no change is told that does not reach back."""
    found = await get(client, "/api/v1/summary")
    last_hour = values((r for r in GIVEN if r.time >= GIVEN[-1].time - HOUR), Metric.PRICE)
    hour = found["price"]["windows"]["1h"]

    assert found["price"]["latest"] == GIVEN[-1].price
    assert (hour["samples"], hour["high"], hour["low"]) == (121, max(last_hour), min(last_hour))
    assert hour["change"] == pytest.approx(last_hour[-1] - last_hour[0])
    assert found["price"]["windows"]["24h"]["change"] is None
    assert found["price"]["windows"]["24h"]["samples"] == 400
    assert found["volatility"]["24h"] is None


@pytest.mark.parametrize(
    ("path", "parameters", "named"),
    [
        ("series", {"from": "banana"}, "from"),
        ("series", {"to": "2021-13-01"}, "to"),
        ("series", {"from": "now", "to": "now-1h"}, "from"),
        ("series", {"from": "now-1h", "start": "now-1h"}, "start"),
        ("series", {"interval": "7m"}, "interval"),
        ("series", {"aggregation": "twa"}, "aggregation"),
        ("series", {"fill": "zero"}, "fill"),
        ("series", {"metrics": "price,volume"}, "metrics"),
        ("series", {"limit": "0"}, "limit"),
        ("series", {"limit": "5001"}, "limit"),
        ("series", {"format": "xml"}, "format"),
        ("series", {"ts": "s"}, "ts"),
        ("series", {"feed": "nobody"}, "feed"),
        ("series", {"feed": "{}*"}, "feed"),
        ("candles", {"metric": "volume"}, "metric"),
        ("readings", {"limit": "1000000"}, "limit"),
        ("readings", {"from": "now", "to": "now-1h"}, "from"),
    ],
)
async def test_what_is_wrong_is_named(
    client: httpx.AsyncClient, path: str, parameters: dict[str, str], named: str
) -> None:
    """A bad parameter is a 422 problem that says which one."""
    answer = await client.get(f"/api/v1/{path}", params=parameters)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == named


async def test_too_many_points(client: httpx.AsyncClient) -> None:
    """Whoever asks for too much is told how much, and what fits."""
    answer = await client.get("/api/v1/series?from=2021-06-01&interval=30s")
    problem = answer.json()

    assert answer.status_code == 422
    assert problem["type"].endswith("too-many-points")
    assert (problem["max_points"], problem["smallest_interval"]) == (5_000, "15m")
    assert problem["points"] == 36 * 2_880 + 12 * 120 + 31


async def test_other_words_for_the_ends(client: httpx.AsyncClient) -> None:
    """`start` and `end` mean `from` and `to`."""
    ours = await get(client, "/api/v1/series", **{"from": "now-3h", "to": "now-1h"})
    theirs = await get(client, "/api/v1/series", start="now-3h", end="now-1h")

    assert theirs == ours


@pytest.mark.parametrize("path", ["series", "candles", "readings"])
async def test_a_range_without_data(client: httpx.AsyncClient, path: str) -> None:
    """Where nothing was read there are nulls or no rows, and no error."""
    found = await get(client, f"/api/v1/{path}", **{"from": "2019-01-01", "to": "2019-01-02"})

    assert len(found["data"]) == (0 if path == "readings" else 24)
    assert found["meta"]["as_of"] is None
    assert found["meta"]["stale"] is False


async def test_a_closed_range_is_for_ever(client: httpx.AsyncClient) -> None:
    """A range that is over for long can be kept for a year; its tag answers 304."""
    path = "/api/v1/series?from=2021-07-01&to=2021-07-02"
    answer = await client.get(path)
    again = await client.get(path, headers={"if-none-match": answer.headers["etag"]})

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]


async def test_an_open_range_lives_until_the_next_refresh(
    client: httpx.AsyncClient, app: Service, feed: GivenFeed
) -> None:
    """What a refresh brings is in the next answer, also where it came late."""
    before = await get(client, "/api/v1/series")
    feed.answers = [[reading(-3_599.5, 99_999.0), reading(-7_199.5, 11_111.0)]]
    await app.state.resources.refresher.force()
    after = await get(client, "/api/v1/series")

    assert (await client.get("/api/v1/series")).headers["cache-control"] == "public, max-age=3600"
    changed = [
        row["time"]
        for row, old in zip(after["data"], before["data"], strict=True)
        if row["price_samples"] == old["price_samples"] + 1
    ]
    assert changed == ["2021-07-07T10:00:00+00:00", "2021-07-07T11:00:00+00:00"]


async def test_the_answer_is_computed_once(
    client: httpx.AsyncClient, redis: Redis, key_prefix: str, clock: ManualClock
) -> None:
    """A second request finds the first one's answer."""
    first = await client.get("/api/v1/candles?from=now-2h")
    (name,) = await redis.zrange(Keys(key_prefix).cache_names, 0, -1)
    key = Keys(key_prefix).cache(str(name))
    text = str(await redis.get(key))
    await redis.set(key, text.replace('"samples":120', '"samples":121'), keepttl=True)
    clock.advance(2)

    second = await client.get("/api/v1/candles?from=now-2h")

    assert first.json()["data"][0]["samples"] == 120
    assert second.json()["data"][0]["samples"] == 121


async def test_staleness_is_told(make_client: MakeClient) -> None:
    """A range up to now whose newest reading is too old is stale."""
    async with make_client(stale_after=60) as client:
        found = await get(client, "/api/v1/series")
        over = await get(client, "/api/v1/series", to="2021-07-07T11:00")

    assert (found["meta"]["stale"], over["meta"]["stale"]) == (True, False)


async def test_senticrypt_day(client: httpx.AsyncClient) -> None:
    """The old address gives the readings under the old names, in the old types."""
    rows = await get(client, "/v1/bitcoin.json")

    assert [row["timestamp"] for row in rows] == [r.time.timestamp() for r in GIVEN]
    assert rows[1] == {
        "count": None,
        "timestamp": 1_625_647_830.0,
        "rate": None,
        "last": None,
        "sum": None,
        "mean": -0.8,
        "median": None,
        "btc_price": "34000.25",
    }
    assert rows[0]["btc_price"] == "34000"


async def test_senticrypt_hours(client: httpx.AsyncClient) -> None:
    """The list names the hours that have readings; the others are not found."""
    names = await get(client, "/v1/history/index.json")
    rows = [row for name in names for row in await get(client, f"/v1/history/{name}")]

    assert names == [f"bitcoin-2021-07-07_{hour:02}.json" for hour in range(8, 13)]
    assert rows == await get(client, "/v1/bitcoin.json")
    for name in ("bitcoin-2021-07-07_07.json", "bitcoin-2021-7-7_8.json", "passwd"):
        answer = await client.get(f"/v1/history/{name}")
        assert (answer.status_code, answer.json()["status"]) == (404, 404)


async def test_counts_and_medians_are_given_back(
    feed: GivenFeed, client: httpx.AsyncClient, app: Service
) -> None:
    """What the feed said of its texts is stored, and told again."""
    told = Reading(reading(630).time, 34_000.5, 0.2, median=0.23, count=7_259)
    feed.answers = [[told]]
    await app.state.resources.refresher.force()

    row = (await get(client, "/v1/bitcoin.json"))[-1]
    stored = await get(client, "/api/v1/readings", **{"from": "2021-07-07T12:10:30"})

    assert (row["count"], row["median"], row["mean"]) == (7_259, 0.23, 0.2)
    assert [(r["count"], r["median"]) for r in stored["data"]] == [(7_259, 0.23)]
    assert type(row["count"]) is int


async def test_the_same_words_within_a_second(
    client: httpx.AsyncClient, redis: Redis, clock: ManualClock
) -> None:
    """They get the same answer without asking Redis, or a 304; then Redis is asked again."""
    path = "/api/v1/series?from=now-3h"
    first = await client.get(path)
    count = CommandCount(redis)
    await count.begin()
    again = await client.get(path)
    unchanged = await client.get(path, headers={"if-none-match": first.headers["etag"]})
    trips = await count.round_trips()
    clock.advance(1)
    later = await client.get(path)

    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert again.headers["content-type"] == "application/json"
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert "content-type" not in unchanged.headers
    assert trips == 0
    assert await count.round_trips() > 0
    assert later.content == first.content


async def test_other_words_are_another_answer(client: httpx.AsyncClient) -> None:
    """Path, query and `Accept` together say what is asked for; a mistake is not remembered."""
    answers = [
        await client.get("/api/v1/series?limit=1"),
        await client.get("/api/v1/series?limit=2"),
        await client.get("/api/v1/candles?limit=1"),
        await client.get("/api/v1/series?limit=1", headers={"accept": "text/csv"}),
    ]
    wrong = [await client.get("/api/v1/series?limit=x") for _ in range(2)]

    assert len({answer.content for answer in answers}) == 4
    assert [answer.status_code for answer in wrong] == [422, 422]
    assert wrong[0].json()["request_id"] != wrong[1].json()["request_id"]

"""Whatever SentiCrypt sends, the service runs and the old data are served."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.end_to_end.senticrypt import SentiCryptServer, senticrypt_server
from tests.end_to_end.service import Service, service
from tests.waiting import until


@pytest.fixture(scope="module")
def senticrypt() -> Iterator[SentiCryptServer]:
    """One server for all of these tests."""
    with senticrypt_server() as server:
        yield server


@pytest.fixture(scope="module")
def running(senticrypt: SentiCryptServer, redis_url: str) -> Iterator[Service]:
    """One service, which has one good reading."""
    senticrypt.send([row()])
    with service(
        redis_url=redis_url,
        key_prefix="bad-upstream",
        senticrypt_url=senticrypt.url,
        refresh_interval=3600,
    ) as started:
        yield started


def row(**changes: object) -> dict[str, object]:
    """A good row, changed."""
    return {"timestamp": 1_625_592_626.5, "btc_price": "33885.23", "mean": 0.2, **changes}


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (500, b"oops", "feed-unavailable"),
        (404, b"", "feed-unavailable"),
        (429, b"slow down", "feed-unavailable"),
        (200, b"<html>Just a moment</html>", "feed-invalid"),
        (200, b'[{"timestamp": 16255', "feed-invalid"),
        (200, b"null", "feed-invalid"),
        (200, b"{}", "feed-invalid"),
        (200, b"[]", "feed-invalid"),
        (200, b"[" * 100_000, "feed-invalid"),
        (200, b" " * 50_000_000, "feed-invalid"),
        (200, b'["row", 7]', "feed-invalid"),
    ],
    ids=lambda value: repr(value)[:24] if isinstance(value, bytes) else str(value),
)
def test_no_feed(
    running: Service, senticrypt: SentiCryptServer, status: int, body: bytes, problem: str
) -> None:
    """An answer that is not a feed is a 502 that says so, and polls are answered as before."""
    before = running.get().json()
    senticrypt.status, senticrypt.body = status, body
    answer = running.refresh()
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith(problem)
    assert running.get().json() == before


def test_good_rows_beside_bad_ones(running: Service, senticrypt: SentiCryptServer) -> None:
    """Good rows are stored, and each bad value is counted by its reason."""
    body = json.dumps(
        [
            row(timestamp=1_625_592_656),
            row(timestamp=1_625_592_686, btc_price="abc"),
            row(timestamp=1_625_592_716, btc_price="1,234.56"),
            row(timestamp=1_625_592_746, mean=2.0),
            row(timestamp="1625592776"),
            row(timestamp=1_625_592_806_000),
            row(timestamp=1_625_592_836, btc_price="NaN", mean=None),
            "not a row",
        ]
    )
    senticrypt.status, senticrypt.body = 200, body.encode()
    report = running.refresh().json()
    assert (report["fetched"], report["added"]) == (8, 4)
    assert report["rejected"] == {
        "price-not-a-number": 2,
        "price-not-finite": 1,
        "row-not-an-object": 1,
        "sentiment-missing": 1,
        "sentiment-out-of-range": 1,
        "time-in-future": 1,
        "time-not-a-number": 1,
    }


def test_late_row_fills_its_gap(running: Service, senticrypt: SentiCryptServer) -> None:
    """A row older than the newest one stored is stored when it comes."""
    senticrypt.send([row(timestamp=1_625_592_000), row()])
    report = running.refresh().json()
    assert (report["added"], report["already_stored"]) == (1, 1)


def test_first_price_stays(running: Service, senticrypt: SentiCryptServer) -> None:
    """A second price for a time that has one changes nothing."""
    senticrypt.send([row(btc_price="1")])
    before = running.get().json()
    assert running.refresh().json()["added"] == 0
    assert running.get().json() == before


def test_unreachable_is_said_once_and_passes(redis_url: str, key_prefix: str) -> None:
    """A SentiCrypt that is away is logged once, however often it is asked, and picked up again."""
    with senticrypt_server() as server:
        server.status = 503
        with service(
            redis_url=redis_url,
            key_prefix=key_prefix,
            senticrypt_url=server.url,
            refresh_interval=0.1,
        ) as started:
            assert started.get().status_code == 503
            assert started.get().json()["type"].endswith("no-data")
            assert "retry-after" in started.get().headers
            assert until(lambda: server.requests >= 6)  # a tick asks twice
            assert started.refresh().status_code == 502
            assert len(started.events("feed-failing")) == 1
            server.send([row(timestamp=time.time() - 1)])
            assert until(lambda: started.get().status_code == 200, 10)
            assert until(lambda: bool(started.events("feed-ok")))

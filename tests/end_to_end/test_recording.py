"""From a recorded feed to the snapshot."""

import pytest

from tests.end_to_end.recording import READINGS, expected_hours, recording
from tests.end_to_end.senticrypt import Rows, SentiCryptServer
from tests.end_to_end.service import service

SECOND_HOUR = 451_537
"""6 July 2021, one o'clock, in hours since 1970."""


def test_recording_becomes_snapshot(
    senticrypt: SentiCryptServer, redis_url: str, key_prefix: str
) -> None:
    """The first pull stores every reading and the second none; the hours are plain averages."""
    rows = recording()
    senticrypt.send([])
    with service(
        redis_url=redis_url,
        key_prefix=key_prefix,
        senticrypt_url=senticrypt.url,
        refresh_interval=3600,
    ) as running:
        senticrypt.send(rows)
        first = running.refresh().json()
        second = running.refresh().json()
        snapshot = running.get().json()
    assert (first["fetched"], first["added"], first["already_stored"]) == (READINGS, READINGS, 0)
    assert (second["added"], second["already_stored"]) == (0, READINGS)
    assert snapshot == first["snapshot"]
    assert (snapshot["stale"], snapshot["feed"]) == (True, "senticrypt")
    assert_hours(snapshot["hourly_average_of_averages"], rows)


def test_hour_without_prices(senticrypt: SentiCryptServer, redis_url: str, key_prefix: str) -> None:
    """An hour whose prices are missing has null there, and its neighbours are right."""
    rows = recording()
    middle = int(rows[-1]["timestamp"] // 3600) - 1
    for row in rows:
        if int(row["timestamp"] // 3600) == middle:
            del row["btc_price"]
    senticrypt.send(rows)
    with service(
        redis_url=redis_url,
        key_prefix=key_prefix,
        senticrypt_url=senticrypt.url,
        refresh_interval=3600,
    ) as running:
        hours = running.get().json()["hourly_average_of_averages"]
    assert [hour["price"] is None for hour in hours] == [False, True, False]
    assert_hours(hours, rows)


def test_recording_is_given_back(
    senticrypt: SentiCryptServer, redis_url: str, key_prefix: str
) -> None:
    """SentiCrypt's own address answers with the recording, in the fields that are kept.

    A price is a text as there, and the same number, but need not have the same digits.
    """
    rows = recording()
    senticrypt.send(rows)
    with service(
        redis_url=redis_url,
        key_prefix=key_prefix,
        senticrypt_url=senticrypt.url,
        refresh_interval=3600,
    ) as running:
        running.refresh()
        found = running.get("/v1/bitcoin.json").json()
        names = running.get("/v1/history/index.json").json()
        hour = running.get(f"/v1/history/{names[1]}").json()
    assert [{**row, "timestamp": None, "btc_price": None} for row in found] == [
        {
            "count": row["count"],
            "timestamp": None,
            "rate": None,
            "last": None,
            "sum": None,
            "mean": row["mean"],
            "median": None,
            "btc_price": None,
        }
        for row in rows
    ]
    # Prices are stored as numbers: 33885.20 comes back as the text 33885.2.
    assert {type(row["btc_price"]) for row in found} == {str}
    assert [float(r["btc_price"]) for r in found] == [float(r["btc_price"]) for r in rows]
    assert [row["timestamp"] for row in found] == pytest.approx(
        [row["timestamp"] for row in rows], abs=0.001
    )
    assert names[:2] == ["bitcoin-2021-07-06_00.json", "bitcoin-2021-07-06_01.json"]
    assert hour == [row for row in found if row["timestamp"] // 3600 == SECOND_HOUR]


def assert_hours(hours: Rows, rows: Rows) -> None:
    """Compare with plain Python's averages."""
    for hour, expected in zip(hours, expected_hours(rows), strict=True):
        for metric in ("price", "sentiment"):
            value = expected.pop(metric)
            assert hour.pop(metric) == (None if value is None else pytest.approx(value, abs=1e-9))
        assert hour == expected

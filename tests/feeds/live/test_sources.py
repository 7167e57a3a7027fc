"""The tickers of the exchanges, and what they may send instead."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.live import bitstamp, coinbase, kraken
from isbitcoinlit.models import SourcePrice

RECEIVED = datetime(2026, 6, 19, 16, 43, 40, tzinfo=UTC)
HTML = b"<!doctype html><title>Just a moment...</title>"
KRAKEN = (
    b'{"error":[],"result":{"XXBTZUSD":{"a":["30300.10000","1","1.000"],'
    b'"c":["30303.20000","0.00067643"],"v":["4083.67","4412.73"],"t":[34619,38907]}}}'
)
BITSTAMP = b'{"timestamp":"1686068944","high":"26252","last":"26216","pair":"BTC/USD"}'
COINBASE = b'{"ask":"63212.98","price":"63212.97","time":"2026-06-19T16:43:33.016274911Z"}'


def kraken_said(price: object) -> bytes:
    """Kraken's answer with another price."""
    return json.dumps({"error": [], "result": {"XXBTZUSD": {"c": [price, "1"]}}}).encode()


def without(body: bytes, key: str) -> bytes:
    """The answer with a key missing."""
    answer: dict[str, Any] = json.loads(body)
    del answer[key]
    return json.dumps(answer).encode()


def test_kraken() -> None:
    """The pair's name in the answer does not matter, and the time is that of the answer."""
    assert kraken.read(KRAKEN, RECEIVED) == SourcePrice("kraken", RECEIVED, 30303.2)


def test_bitstamp() -> None:
    """A price without decimals, and whole seconds as text."""
    time = datetime(2023, 6, 6, 16, 29, 4, tzinfo=UTC)

    assert bitstamp.read(BITSTAMP, RECEIVED) == SourcePrice("bitstamp", time, 26216.0)


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [
        ("2026-06-19T16:43:33.016274911Z", 16_000),
        ("2026-06-19T16:43:33.016274Z", 16_000),
        ("2026-06-19T16:43:33.016Z", 16_000),
        ("2026-06-19T16:43:33Z", 0),
        ("2026-06-19T16:43:33", 0),
        ("2026-06-19T18:43:33+02:00", 0),
    ],
)
def test_coinbase(written: str, microsecond: int) -> None:
    """Any number of fractional digits, any zone, and none which means UTC."""
    body = COINBASE.replace(b"2026-06-19T16:43:33.016274911Z", written.encode())

    time = datetime(2026, 6, 19, 16, 43, 33, microsecond, tzinfo=UTC)
    assert coinbase.read(body, RECEIVED) == SourcePrice("coinbase", time, 63212.97)


def test_krakens_error_comes_with_200() -> None:
    """A non-empty `error` is a failure, whatever stands beside it."""
    body = KRAKEN.replace(b'"error":[]', b'"error":["EService:Unavailable"]')

    with pytest.raises(FeedInvalid, match="EService:Unavailable"):
        kraken.read(body, RECEIVED)


@pytest.mark.parametrize("module", [kraken, bitstamp, coinbase])
@pytest.mark.parametrize(
    "body",
    [b"", HTML, b"null", b"[]", b"{}", b"7", b'"text"', b"\xff\xfe", b"[" * 100_000, b"{" * 9],
)
def test_what_is_no_ticker_is_invalid(module: Any, body: bytes) -> None:
    """Nothing that a server may send instead of a ticker is anything but invalid."""
    with pytest.raises(FeedInvalid):
        module.read(body, RECEIVED)


@pytest.mark.parametrize(
    "price",
    ["NaN", "Infinity", "-1", "0", "", " 1", "1,234.5", "1_000", "0x10", None, True, [], {}],
)
def test_what_is_no_price_is_invalid(price: object) -> None:
    """A price is a finite number greater than 0, written as one."""
    with pytest.raises(FeedInvalid):
        kraken.read(kraken_said(price), RECEIVED)


@pytest.mark.parametrize(
    ("module", "body", "key"),
    [
        (kraken, KRAKEN, "result"),
        (kraken, KRAKEN, "error"),
        (bitstamp, BITSTAMP, "last"),
        (bitstamp, BITSTAMP, "timestamp"),
        (coinbase, COINBASE, "price"),
        (coinbase, COINBASE, "time"),
    ],
)
def test_a_missing_key_is_invalid(module: Any, body: bytes, key: str) -> None:
    """An answer without what we need says so."""
    with pytest.raises(FeedInvalid, match="unknown shape"):
        module.read(without(body, key), RECEIVED)


def test_a_time_beyond_the_calendar_is_invalid() -> None:
    """A timestamp that no calendar has does no harm."""
    with pytest.raises(FeedInvalid):
        bitstamp.read(BITSTAMP.replace(b"1686068944", b"1e300"), RECEIVED)

"""SentiCrypt's format, and everything that may be wrong with it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.rows import parse_rows
from isbitcoinlit.models import Reading

NOW = datetime(2021, 7, 7, 17, 30, tzinfo=UTC)
GOOD = (
    '{"count":7259,"timestamp":1625592626.3452034,"rate":0.0,"last":0.33,"sum":1425.82,'
    '"mean":0.2,"median":0.23,"btc_price":"33885.23"}'
)
GOOD_READING = Reading(
    datetime(2021, 7, 6, 17, 30, 26, 345_000, tzinfo=UTC),
    price=33885.23,
    sentiment=0.2,
    median=0.23,
    count=7259.0,
)
LATER = datetime(2021, 7, 6, 17, 31, tzinfo=UTC)
ABSENT = ""


def row(timestamp: str = "1625592660", price: str = '"34000.5"', mean: str = "-0.25") -> str:
    """A row whose values are given as JSON, or left out."""
    fields = {"timestamp": timestamp, "btc_price": price, "mean": mean}
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items() if value) + "}"


def body(*rows: str) -> bytes:
    """An array of rows."""
    return f"[{','.join(rows)}]".encode()


def test_a_row_becomes_a_reading() -> None:
    """A row in the form that SentiCrypt sends gives its time to the millisecond and its numbers."""
    pull = parse_rows(body(GOOD), NOW)

    assert pull.readings == (GOOD_READING,)
    assert pull.fetched == 1
    assert pull.rejected == {}


@pytest.mark.parametrize(
    ("price", "expected"),
    [('"34504"', 34504.0), ('"34504.5"', 34504.5), ("34504.25", 34504.25), ('"1e5"', 1e5)],
)
def test_prices_come_as_text_and_as_number(price: str, expected: float) -> None:
    """A price may be a JSON number or a numeric text, with decimals or without."""
    assert [expected] == [r.price for r in parse_rows(body(row(price=price)), NOW).readings]


@pytest.mark.parametrize(
    ("mean", "expected"), [('"0.11"', 0.11), ("-1", -1.0), ("1", 1.0), ('"-0.5"', -0.5)]
)
def test_sentiments_come_as_text_and_as_number(mean: str, expected: float) -> None:
    """A sentiment may be a JSON number or a numeric text, from -1 to 1."""
    assert [expected] == [r.sentiment for r in parse_rows(body(row(mean=mean)), NOW).readings]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("17", "row-not-an-object"),
        ("null", "row-not-an-object"),
        ("[1625592660, 34000.5]", "row-not-an-object"),
        (row(timestamp=ABSENT), "time-missing"),
        (row(timestamp="null"), "time-missing"),
        (row(timestamp='"1625592660"'), "time-not-a-number"),
        (row(timestamp="true"), "time-not-a-number"),
        (row(timestamp="NaN"), "time-not-finite"),
        (row(timestamp="1e400"), "time-not-finite"),
        (row(timestamp="1" * 5_000), "time-not-finite"),
        (row(timestamp="-1625592660"), "time-out-of-range"),
        (row(timestamp="1230940799"), "time-out-of-range"),
        (row(timestamp="1625592660000"), "time-in-future"),
        (row(timestamp=str(NOW.timestamp() + 365 * 86_400)), "time-in-future"),
        (row(timestamp=str(NOW.timestamp() + 61)), "time-in-future"),
        (row(timestamp="1e308"), "time-in-future"),
    ],
)
def test_a_row_without_a_usable_time_is_left_out(bad: str, reason: str) -> None:
    """A row without a usable time is counted once, and the good row beside it stays."""
    pull = parse_rows(body(bad, GOOD), NOW)

    assert pull.readings == (GOOD_READING,)
    assert pull.fetched == 2
    assert {reason: 1} == pull.rejected


def test_a_reading_may_be_a_minute_ahead() -> None:
    """Up to 60 s in the future a time is accepted, since clocks differ."""
    pull = parse_rows(body(row(timestamp=str(NOW.timestamp() + 60))), NOW)

    assert [(reading.time - NOW).total_seconds() for reading in pull.readings] == [60]


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (ABSENT, "price-missing"),
        ("null", "price-missing"),
        ('"abc"', "price-not-a-number"),
        ('""', "price-not-a-number"),
        ('" 34000"', "price-not-a-number"),
        ('"1,234.56"', "price-not-a-number"),
        ('"1_000"', "price-not-a-number"),
        ('"\u0663\u0664\u0660\u0660\u0660"', "price-not-a-number"),
        ('"0x10"', "price-not-a-number"),
        ("true", "price-not-a-number"),
        ('{"usd":34000}', "price-not-a-number"),
        ('"NaN"', "price-not-finite"),
        ('"inf"', "price-not-finite"),
        ('"-Infinity"', "price-not-finite"),
        ("NaN", "price-not-finite"),
        ("Infinity", "price-not-finite"),
        ("1e400", "price-not-finite"),
        ('"1e400"', "price-not-finite"),
        ("0", "price-not-positive"),
        ('"-1"', "price-not-positive"),
    ],
)
def test_a_bad_price_leaves_the_sentiment(price: str, reason: str) -> None:
    """A row with a bad price gives its sentiment, and the reason is counted."""
    pull = parse_rows(body(GOOD, row(price=price)), NOW)

    assert (GOOD_READING, Reading(LATER, None, -0.25)) == pull.readings
    assert {reason: 1} == pull.rejected


@pytest.mark.parametrize(
    ("mean", "reason"),
    [
        (ABSENT, "sentiment-missing"),
        ("null", "sentiment-missing"),
        ('"good"', "sentiment-not-a-number"),
        ("false", "sentiment-not-a-number"),
        ("NaN", "sentiment-not-finite"),
        ("2.0", "sentiment-out-of-range"),
        ('"-1.01"', "sentiment-out-of-range"),
    ],
)
def test_a_bad_sentiment_leaves_the_price(mean: str, reason: str) -> None:
    """A row with a bad sentiment gives its price, and the reason is counted."""
    pull = parse_rows(body(GOOD, row(mean=mean)), NOW)

    assert (GOOD_READING, Reading(LATER, 34000.5, None)) == pull.readings
    assert {reason: 1} == pull.rejected


def test_a_row_with_nothing_usable_gives_no_reading() -> None:
    """A row whose price and sentiment are both bad counts two reasons and gives no reading."""
    pull = parse_rows(body(GOOD, row(price="0", mean="2")), NOW)

    assert pull.readings == (GOOD_READING,)
    assert pull.rejected == {"price-not-positive": 1, "sentiment-out-of-range": 1}


def test_readings_are_sorted_by_time() -> None:
    """Rows that come out of order give readings in order."""
    pull = parse_rows(body(row(), GOOD), NOW)

    assert [GOOD_READING.time, LATER] == [reading.time for reading in pull.readings]


def test_of_two_prices_for_one_time_the_first_stays() -> None:
    """A second row for a time changes nothing and is counted."""
    pull = parse_rows(body(row(price="1"), row(price="2"), row(price="3", mean=ABSENT)), NOW)

    assert (Reading(LATER, 1.0, -0.25),) == pull.readings
    assert pull.rejected == {"duplicate-time": 2, "sentiment-missing": 1}


def test_a_second_row_fills_what_the_first_lacked() -> None:
    """Of two rows for one time, the later gives the value that the earlier did not have."""
    pull = parse_rows(body(row(price="1", mean=ABSENT), row(price="2", mean="0.5")), NOW)

    assert (Reading(LATER, 1.0, 0.5),) == pull.readings
    assert pull.rejected == {"sentiment-missing": 1}


def test_times_that_share_a_millisecond_are_one_time() -> None:
    """Times are whole milliseconds, so two rows within one are duplicates."""
    pull = parse_rows(body(row("1625592660.0001"), row("1625592660.0004")), NOW)

    assert [reading.time for reading in pull.readings] == [LATER]
    assert pull.rejected == {"duplicate-time": 1}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"null", "It sent null, not a list of readings."),
        (b"{}", "It sent an object, not a list of readings."),
        (b'{"error":"no"}', "It sent an object, not a list of readings."),
        (b'"soon"', "It sent a text, not a list of readings."),
        (b"17", "It sent a number, not a list of readings."),
        (b"[]", "It sent an empty list, no readings."),
        (b"", "It sent 0 bytes that are not JSON (line 1: Expecting value)."),
        (b"<!doctype html>", "It sent a page of HTML or XML, not a list of readings."),
        (b'["\xff"]', "It sent bytes that are not text."),
        (b"[" * 100_000, "It sent JSON that is nested too deeply."),
        (b"[" * 200_000 + b"]" * 200_000, "It sent JSON that is nested too deeply."),
        (b"[" + b"[]," * 1_000_000 + b"[]]", "It sent more than 1000000 values."),
        (b'[{"a":' * 50_000, "It sent JSON that is nested too deeply."),
    ],
    ids=lambda value: str(value[:20]),
)
def test_what_is_not_a_list_is_refused(content: bytes, sentence: str) -> None:
    """A body that is not a list of readings raises, with a sentence that says what it is."""
    with pytest.raises(FeedInvalid) as raised:
        parse_rows(content, NOW, "It sent")

    assert sentence == str(raised.value)


def test_truncated_json_is_refused() -> None:
    """A body that ends in the middle gives none of its rows."""
    content = body(GOOD, row())

    with pytest.raises(FeedInvalid, match=f"sent {len(content) - 9} bytes that are not JSON"):
        parse_rows(content[:-9], NOW)


def test_rows_of_which_none_is_usable_are_refused() -> None:
    """When no row is usable, the sentence names the most common reasons with their counts."""
    rows = [row(timestamp="1e12")] * 3 + ["0"] * 2 + [row(price="0", mean=ABSENT)]

    with pytest.raises(FeedInvalid) as raised:
        parse_rows(body(*rows), NOW)

    assert str(raised.value) == (
        "The feed sent 6 rows, none of them usable: "
        "3 time-in-future, 2 row-not-an-object, 1 price-not-positive."
    )


def test_a_byte_order_mark_does_no_harm() -> None:
    """A body that starts with a byte order mark is read."""
    assert parse_rows(b"\xef\xbb\xbf" + body(GOOD), NOW).readings == (GOOD_READING,)


def test_literals_that_json_does_not_have_spoil_nothing() -> None:
    """JSON's NaN and Infinity anywhere in a row, even in unknown keys, leave its values alone."""
    spoiled = GOOD.replace("1425.82", "NaN").replace("7259", "-Infinity")

    assert parse_rows(body(spoiled), NOW).readings == (replace(GOOD_READING, count=None),)

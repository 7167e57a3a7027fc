"""The snapshot as JSON, there and back."""

import json
from typing import Any

import pytest

from isbitcoinlit.snapshot.document import from_json, to_dict, to_json
from tests.snapshot.samples import snapshot


def test_a_snapshot_comes_back_as_it_was() -> None:
    """Writing and reading loses nothing, not even a float's last bit."""
    assert from_json(to_json(snapshot())) == snapshot()


def test_clients_get_the_documented_shape() -> None:
    """Keys, nesting and types are those of the original service, numbers are numbers."""
    assert to_dict(snapshot()) == {
        "is_bitcoin_lit": False,
        "hourly_average_of_averages": [
            {
                "price": None,
                "sentiment": -0.25,
                "time": "2021-07-07T10:00:00+00:00",
                "samples": 3,
                "partial": False,
            },
            {
                "price": 33_999.5,
                "sentiment": 0.30000000000000004,
                "time": "2021-07-07T11:00:00+00:00",
                "samples": 120,
                "partial": False,
            },
            {
                "price": 34_000.5,
                "sentiment": None,
                "time": "2021-07-07T12:00:00+00:00",
                "samples": 1,
                "partial": True,
            },
        ],
        "sentiment_direction": "rising",
        "price_direction": "rising",
        "as_of": "2021-07-07T12:00:00+00:00",
        "stale": False,
        "feed": "given",
    }


def changed(**fields: Any) -> str:
    """A written snapshot with other values in it."""
    return json.dumps(to_dict(snapshot()) | fields)


HOUR = {"price": 1.0, "sentiment": 0.1, "time": "2021-07-07T10:00:00+00:00"} | {
    "samples": 1,
    "partial": False,
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "7",
        '"text"',
        "{",
        "[" * 100_000,
        to_json(snapshot()).decode()[:-1],
        changed(is_bitcoin_lit="yes"),
        changed(is_bitcoin_lit=None),
        changed(stale=0),
        changed(feed=None),
        changed(as_of="yesterday"),
        changed(as_of="2021-07-07T12:00:00"),
        changed(as_of=1_625_000_000),
        changed(price_direction="up"),
        changed(sentiment_direction=None),
        changed(hourly_average_of_averages=[]),
        changed(hourly_average_of_averages={}),
        changed(hourly_average_of_averages=[1, 2, 3]),
        *(
            changed(hourly_average_of_averages=[HOUR | wrong] * 3)
            for wrong in (
                {"price": "1.0"},
                {"price": float("nan")},
                {"price": float("inf")},
                {"sentiment": True},
                {"samples": 1.5},
                {"samples": None},
                {"partial": 1},
                {"time": "2021-07-07T10:00:00"},
            )
        ),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_not_a_snapshot_is_an_error(text: str) -> None:
    """Anything that is not exactly a snapshot raises ValueError, and nothing else."""
    with pytest.raises(ValueError, match=r"."):
        from_json(text)

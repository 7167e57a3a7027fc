"""The snapshot as JSON, as it is served and kept in Redis."""

import json
import math
from datetime import datetime
from typing import Any, TypeVar

from isbitcoinlit.models import Direction, HourlyAverage, Snapshot
from isbitcoinlit.snapshot.compute import HOURS

T = TypeVar("T")


def to_dict(snapshot: Snapshot) -> dict[str, Any]:
    """Return the snapshot in the shape that clients get."""
    return {
        "is_bitcoin_lit": snapshot.is_bitcoin_lit,
        "hourly_average_of_averages": [
            {
                "price": hour.price,
                "sentiment": hour.sentiment,
                "time": hour.time.isoformat(),
                "samples": hour.samples,
                "partial": hour.partial,
            }
            for hour in snapshot.hours
        ],
        "sentiment_direction": snapshot.sentiment_direction,
        "price_direction": snapshot.price_direction,
        "as_of": snapshot.as_of.isoformat(),
        "stale": snapshot.stale,
        "feed": snapshot.feed,
    }


def to_json(snapshot: Snapshot) -> bytes:
    """Write the snapshot as compact JSON."""
    return json.dumps(to_dict(snapshot), separators=(",", ":"), allow_nan=False).encode()


def from_json(text: str | bytes) -> Snapshot:
    """Read a snapshot; ValueError when the text is not one (an older or newer version's, say)."""
    try:
        document = json.loads(text)
        hours = _typed(document["hourly_average_of_averages"], list)
        if len(hours) != HOURS:
            raise ValueError(f"not a snapshot: {len(hours)} hours")
        return Snapshot(
            is_bitcoin_lit=_typed(document["is_bitcoin_lit"], bool),
            hours=tuple(_hour(hour) for hour in hours),
            sentiment_direction=Direction(document["sentiment_direction"]),
            price_direction=Direction(document["price_direction"]),
            as_of=_moment(document["as_of"]),
            stale=_typed(document["stale"], bool),
            feed=_typed(document["feed"], str),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a snapshot: {error!r}") from error


def _hour(hour: dict[str, Any]) -> HourlyAverage:
    return HourlyAverage(
        time=_moment(hour["time"]),
        price=_number(hour["price"]),
        sentiment=_number(hour["sentiment"]),
        samples=_typed(hour["samples"], int),
        partial=_typed(hour["partial"], bool),
    )


def _typed(value: object, kind: type[T]) -> T:
    """Return the value if it is of exactly that type: True is no integer here."""
    if type(value) is not kind:
        raise ValueError(f"not a snapshot: {value!r} is no {kind.__name__}")
    return value


def _number(value: object) -> float | None:
    """Return a missing or finite number; json reads NaN and Infinity too, and must not write it."""
    number = None if value is None else _typed(value, float)
    if number is not None and not math.isfinite(number):
        raise ValueError(f"not a snapshot: {number!r} is not finite")
    return number


def _moment(text: str) -> datetime:
    """Return an aware time; a naive one could not be compared with any other."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"not a snapshot: {text!r} has no offset")
    return moment

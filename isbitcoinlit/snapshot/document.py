"""The snapshot as JSON, as it is served and kept in Redis."""

import json
from datetime import datetime
from typing import Any

from isbitcoinlit.models import Direction, HourlyAverage, Snapshot


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
        return Snapshot(
            is_bitcoin_lit=document["is_bitcoin_lit"],
            hours=tuple(_hour(hour) for hour in document["hourly_average_of_averages"]),
            sentiment_direction=Direction(document["sentiment_direction"]),
            price_direction=Direction(document["price_direction"]),
            as_of=datetime.fromisoformat(document["as_of"]),
            stale=document["stale"],
            feed=document["feed"],
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a snapshot: {error!r}") from error


def _hour(hour: dict[str, Any]) -> HourlyAverage:
    return HourlyAverage(
        time=datetime.fromisoformat(hour["time"]),
        price=hour["price"],
        sentiment=hour["sentiment"],
        samples=hour["samples"],
        partial=hour["partial"],
    )

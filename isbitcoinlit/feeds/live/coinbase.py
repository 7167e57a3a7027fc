"""Coinbase Exchange's ticker."""

from datetime import UTC, datetime

from isbitcoinlit.feeds.payload import expected, parse_json, positive
from isbitcoinlit.models import SourcePrice

NAME = "coinbase"


def read(body: bytes, _received: datetime) -> SourcePrice:
    """The price of the last trade, at its time (ISO 8601 with 3, 6 or 9 digits of a second)."""
    answer = parse_json(body, "Coinbase")
    with expected("Coinbase"):
        # What is finer than a microsecond is cut off.
        time = datetime.fromisoformat(answer["time"])
        time = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
        whole = time.microsecond // 1_000 * 1_000
        return SourcePrice(NAME, time.replace(microsecond=whole), positive(answer["price"]))

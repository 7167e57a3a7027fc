"""Bitstamp's ticker."""

from datetime import datetime

from isbitcoinlit.clock import from_milliseconds
from isbitcoinlit.feeds.payload import expected, number, parse_json, positive
from isbitcoinlit.models import SourcePrice

NAME = "bitstamp"


def read(body: bytes, _received: datetime) -> SourcePrice:
    """The price of the last trade, at the time that the ticker gives in whole seconds."""
    answer = parse_json(body, "Bitstamp")
    with expected("Bitstamp"):
        time = from_milliseconds(round(number(answer["timestamp"]) * 1_000))
        return SourcePrice(NAME, time, positive(answer["last"]))

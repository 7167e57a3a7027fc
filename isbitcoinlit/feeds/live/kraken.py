"""Kraken's ticker."""

from datetime import datetime

from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.payload import expected, parse_json, positive
from isbitcoinlit.models import SourcePrice

NAME = "kraken"


def read(body: bytes, received: datetime) -> SourcePrice:
    """The price of the last trade; Kraken gives no time, so that of the answer.

    An error comes with status 200 and a text in `error`. The pair is called otherwise in the
    answer (XXBTZUSD) than in the question (XBTUSD), so whichever one there is is taken.
    """
    answer = parse_json(body, "Kraken")
    with expected("Kraken"):
        if answer["error"]:
            raise FeedInvalid(f"Kraken answered with an error: {str(answer['error'])[:200]}.")
        [ticker, *_] = answer["result"].values()
        return SourcePrice(NAME, received, positive(ticker["c"][0]))

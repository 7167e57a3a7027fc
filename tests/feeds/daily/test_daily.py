"""The daily feeds, in the shapes that were seen."""

from datetime import UTC, datetime

import httpx
import pytest
import respx

from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.daily.fear_greed import FearGreed
from isbitcoinlit.feeds.daily.senticrypt_daily import SentiCryptDaily
from isbitcoinlit.models import Reading
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

URL = "https://daily.example/data"
DAY = datetime(2021, 7, 5, tzinfo=UTC)


def index(value: object, timestamp: object = "1625443200") -> str:
    """A day of the Fear & Greed index."""
    return f'{{"value":"{value}","value_classification":"Fear","timestamp":"{timestamp}"}}'


def document(*days: str, error: str = "null") -> httpx.Response:
    """What alternative.me answers."""
    body = f'{{"name":"x","data":[{",".join(days)}],"metadata":{{"error":{error}}}}}'
    return httpx.Response(200, content=body.encode())


@pytest.mark.parametrize(("value", "expected"), [("0", -1), ("47", -0.06), ("50", 0), ("100", 1)])
@respx.mock
async def test_fear_and_greed(clock: ManualClock, value: str, expected: float) -> None:
    """The index from 0 to 100 becomes a sentiment from -1 to 1, at the start of its day."""
    respx.get(URL).mock(return_value=document(index(value)))
    feed = FearGreed(URL, clock)

    pull = await feed.pull()
    await feed.aclose()

    assert pull.readings == (Reading(DAY, None, expected),)


@respx.mock
async def test_only_the_first_pull_asks_for_everything(clock: ManualClock) -> None:
    """From the second pull on the last few days are enough."""
    route = respx.get(URL).mock(return_value=document(index("50")))
    feed = FearGreed(URL, clock)

    await feed.pull()
    await feed.pull()
    await feed.aclose()

    assert [call.request.url.params["limit"] for call in route.calls] == ["0", "10"]


@respx.mock
async def test_days_are_sorted_and_bad_ones_counted(clock: ManualClock) -> None:
    """The newest comes first there, and a bad day does not stop the others."""
    earlier = "1625356800"
    days = (index("50"), index("60", earlier), index("101"), index(""), index("5", "4102444800"))
    respx.get(URL).mock(return_value=document(*days, "7"))
    feed = FearGreed(URL, clock)

    pull = await feed.pull()
    await feed.aclose()

    assert [reading.sentiment for reading in pull.readings] == [0.2, 0]
    assert pull.rejected == {"row-unreadable": 3, "time-out-of-range": 1}


@pytest.mark.parametrize(
    "answer",
    [
        document(),
        document(index("50"), error='"limit"'),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"[]"),
        httpx.Response(200, content=b'{"data":7}'),
    ],
)
@respx.mock
async def test_what_is_no_index_is_invalid(clock: ManualClock, answer: httpx.Response) -> None:
    """An error in the answer, and an answer of another shape, are failures."""
    respx.get(URL).mock(return_value=answer)
    feed = FearGreed(URL, clock)

    with pytest.raises(FeedInvalid):
        await feed.pull()
    await feed.aclose()


@respx.mock
async def test_senticrypts_days(clock: ManualClock) -> None:
    """Date and mean are taken, in order; the price is not, nor a day that is not over."""
    body = (
        '[{"date":"2021-07-07","price":1,"mean":0.9},'
        '{"date":"2021-07-05","price":57676.0,"volume":2004.0,"count":12,"mean":-0.0722},'
        '{"date":"2021-07-04","price":57676.0,"mean":0.1},'
        '{"date":"someday","mean":0.1},{"date":"2021-07-03","mean":2}]'
    )
    respx.get(URL).mock(return_value=httpx.Response(200, content=body.encode()))
    feed = SentiCryptDaily(URL, clock)

    pull = await feed.pull()
    await feed.aclose()

    assert pull.readings == (
        Reading(datetime(2021, 7, 4, tzinfo=UTC), None, 0.1),
        Reading(DAY, None, -0.0722),
    )
    assert pull.rejected == {"time-out-of-range": 1, "row-unreadable": 2}

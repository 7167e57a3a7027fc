"""`/api/v1/correlation`, over HTTP."""

import csv
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager

from isbitcoinlit.clock import HOUR
from isbitcoinlit.models import Reading
from isbitcoinlit.web.app import Service
from tests.history.markets import led, prices_of, wandering
from tests.readings import NOON, GivenFeed
from tests.web.conftest import client_of
from tests.web.problem import assert_problem

pytestmark = pytest.mark.anyio

ADDRESS = "/api/v1/correlation"
_WEEK = 168


def market(lag: int) -> list[Reading]:
    """Two readings an hour, of a week in which sentiment leads by so many hours."""
    rng = random.Random(11)
    moods = wandering(rng, _WEEK, 0.5)
    prices = prices_of(led(rng, moods, lag))
    first = NOON - _WEEK * HOUR
    return [
        Reading(first + at * HOUR + timedelta(minutes=m), prices[at], max(-1, min(1, mood / 5)))
        for at, mood in moods.items()
        for m in (10, 40)
    ]


@pytest.fixture
def feed() -> GivenFeed:
    """A feed that gives the week."""
    return GivenFeed(market(3))


async def test_a_lag_of_three_hours_is_found(client: httpx.AsyncClient) -> None:
    """Sentiment that leads the price by three hours is found, significant, and said in words."""
    answer = (await client.get(ADDRESS)).json()

    assert [row["lag"] for row in answer["data"]] == list(range(-24, 25))
    best = {(b["measure"], b["coefficient"]): b for b in answer["meta"]["best"]}
    for kind in ("pearson", "spearman"):
        assert (best["level", kind]["lag"], best["level", kind]["significant"]) == (3, True)
        assert best["level", kind]["words"].startswith("Sentiment leads the price by 3 hours")
    row = next(row for row in answer["data"] if row["lag"] == 3)
    assert row["level_n"] == 165
    assert row["level_pearson_effective_n"] <= row["level_n"]
    assert row["level_pearson_p"] <= row["level_pearson_p_corrected"] < 0.05


async def test_the_answer_says_what_it_is(client: httpx.AsyncClient) -> None:
    """Method, sign and caveat come with every answer."""
    meta = (await client.get(ADDRESS, params={"max_lag": 2})).json()["meta"]

    assert "no cause" in meta["caveat"]
    assert "sentiment leads" in meta["method"]["lag"]
    assert "Bretherton" in meta["method"]["p"]
    assert "Holm" in meta["method"]["p_corrected"]
    assert (meta["buckets_with_sentiment"], meta["buckets_with_return"]) == (_WEEK, _WEEK - 1)


async def test_the_window_is_told_as_it_was_asked_for(client: httpx.AsyncClient) -> None:
    """Two words for the same length are two answers."""
    told = [
        (await client.get(ADDRESS, params={"window": window})).json()["meta"]["window"]
        for window in ("7d", "168h")
    ]
    assert told == ["7d", "168h"]


async def test_too_many_lags_for_a_long_window(client: httpx.AsyncClient) -> None:
    """What would take seconds is refused, and the answer says what can be had."""
    answer = await client.get(ADDRESS, params={"window": "2000h", "max_lag": 200})

    assert_problem(answer, 422, "invalid-request")
    assert "at most 49" in answer.json()["detail"]


async def test_the_second_answer_is_kept(client: httpx.AsyncClient) -> None:
    """The same question has the same tag, and with the tag the answer is 304."""
    first = await client.get(ADDRESS)
    again = await client.get(ADDRESS, headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304


async def test_rows_can_be_had_as_csv(client: httpx.AsyncClient) -> None:
    """`format=csv` has the columns of the JSON rows."""
    params = {"max_lag": 1}
    rows = (await client.get(ADDRESS, params=params)).json()["data"]
    text = (await client.get(ADDRESS, params={**params, "format": "csv"})).text

    read = list(csv.DictReader(StringIO(text)))

    assert [list(row) for row in read] == [list(row) for row in rows]
    assert [float(row["level_pearson"]) for row in read] == [row["level_pearson"] for row in rows]


async def test_too_little_is_a_problem(client: httpx.AsyncClient) -> None:
    """A window without 30 pairs is refused, with what there is and what is needed."""
    response = await client.get(ADDRESS, params={"window": "20h"})

    assert_problem(response, 422, "insufficient-data")
    assert (response.json()["needed"], response.json()["pairs"]) == (30, 19)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"window": "seven days"}, "invalid-request"),
        ({"window": "30m"}, "invalid-request"),
        ({"interval": "2h"}, "invalid-request"),
        ({"max_lag": "-1"}, "invalid-request"),
        ({"max_lag": "201"}, "invalid-request"),
        ({"window": "30d", "interval": "30s"}, "too-many-points"),
    ],
)
async def test_nonsense_is_refused(
    client: httpx.AsyncClient, params: dict[str, Any], name: str
) -> None:
    """What cannot be compared is a 422 problem that says why."""
    assert_problem(await client.get(ADDRESS, params=params), 422, name)


async def test_a_mood_that_never_changes_is_no_nan(
    make_app: Callable[..., Service], feed: GivenFeed
) -> None:
    """A constant sentiment has null coefficients, and words that say why."""
    feed.answers = [[replace(reading, sentiment=0.1) for reading in market(3)]]
    app = make_app()
    async with LifespanManager(app), client_of(app) as client:
        text = (await client.get(ADDRESS)).text

    assert "NaN" not in text
    answer = json.loads(text)
    assert {row["level_pearson"] for row in answer["data"]} == {None}
    assert all("cannot be compared" in best["words"] for best in answer["meta"]["best"])

"""The first and the last moments that there are."""

import httpx
import pytest

from tests.web.problem import assert_problem

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("begin", ["1970-01-01", "0", "-1", "0001-01-01", "now-999999w"])
@pytest.mark.parametrize("path", ["/api/v1/series", "/api/v1/candles"])
async def test_weeks_from_the_beginning_of_time(
    client: httpx.AsyncClient, path: str, begin: str
) -> None:
    """The first week that has a row is the first one that begins after 1 January 1970."""
    answer = await client.get(path, params={"from": begin, "interval": "1w"})

    assert answer.status_code == 200, answer.text
    rows = answer.json()["data"]
    assert rows[0]["time"] == "1970-01-05T00:00:00+00:00"
    assert rows[-1]["partial"]


@pytest.mark.parametrize("hour", ["9999-12-31_23", "0001-01-01_00", "1969-12-31_23"])
async def test_hours_at_the_ends_of_the_calendar(client: httpx.AsyncClient, hour: str) -> None:
    """An hour that nobody can have read anything in is a 404 problem."""
    assert_problem(await client.get(f"/v1/history/bitcoin-{hour}.json"), 404, "not-found")

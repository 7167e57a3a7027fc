"""The deviation of values that hardly differ, which the server computes by subtracting squares."""

import httpx
import pytest

from isbitcoinlit.models import Reading
from tests.readings import GivenFeed, reading

pytestmark = pytest.mark.anyio

STEPS = (1, 2, 3, 7, 10, 31, 60, 100)
"""Readings of one five-minute bucket, or of several."""


def still(length: int, hour: int) -> list[Reading]:
    """Readings that do not move."""
    return [reading(-3_600 * hour + 3 * i, 33_333.33 + hour, 0.21) for i in range(length)]


@pytest.fixture
def feed() -> GivenFeed:
    """A feed that stands still in each of the last hours, for so many readings."""
    hours = range(len(STEPS), 0, -1)
    return GivenFeed([r for n, hour in zip(STEPS, hours, strict=True) for r in still(n, hour)])


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_what_stands_still_has_none(client: httpx.AsyncClient, form: str) -> None:
    """Neither rounding nor the root of a negative number is left of equal values."""
    asked = {"aggregation": "std.p", "from": "now-12h", "interval": "5m", "fill": "none"}
    answer = await client.get("/api/v1/series", params={**asked, "format": form})

    assert answer.status_code == 200, answer.text
    if form == "csv":
        rows = [line.split(",") for line in answer.text.splitlines()[1:]]
        found = {float(value) for row in rows for value in row[1:3]}
    else:
        found = {row[name] for row in answer.json()["data"] for name in ("price", "sentiment")}
    assert found == {0.0}

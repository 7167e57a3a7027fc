"""Readings, and a feed that gives the ones it is told to give."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from isbitcoinlit.errors import FeedError
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.models import Reading

NOON = datetime(2021, 7, 7, 12, tzinfo=UTC)


def reading(
    seconds: float, price: float | None = 34_000.0, sentiment: float | None = 0.2
) -> Reading:
    """A reading so many seconds after noon."""
    return Reading(NOON + timedelta(seconds=seconds), price, sentiment)


def readings(count: int, first: float = 0, step: float = 30) -> list[Reading]:
    """Readings at equal distances, all different."""
    return [
        reading(first + i * step, 34_000 + i * 0.25, round((i % 19 - 9) / 10, 1))
        for i in range(count)
    ]


class GivenFeed:
    """A feed whose answers the test chooses; the last one is repeated."""

    name = "given"

    def __init__(self, *answers: Iterable[Reading] | FeedError) -> None:
        self.answers: list[Iterable[Reading] | FeedError] = list(answers)
        self.pulls = 0
        self.closed = False

    async def pull(self) -> Pull:
        """Give the next answer."""
        self.pulls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, FeedError):
            raise answer
        given = tuple(answer)
        return Pull(readings=given, fetched=len(given))

    async def aclose(self) -> None:
        """Note that somebody closed it."""
        self.closed = True

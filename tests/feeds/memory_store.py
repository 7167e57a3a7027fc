"""A store for the live feed that lasts as long as the test."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from isbitcoinlit.models import Headline, Visit


class MemoryStore:
    """Keeps what the live feed keeps, in this process."""

    def __init__(self) -> None:
        self.headlines: list[Headline] = []
        self.visits: dict[str, Visit] = {}
        self.price: tuple[datetime, float] | None = None

    async def load(self, since: datetime) -> tuple[list[Headline], dict[str, Visit]]:
        """The headlines since then, and the visits."""
        return [headline for headline in self.headlines if headline.time >= since], self.visits

    async def keep(
        self, headlines: Iterable[Headline], visits: Mapping[str, Visit], _now: datetime
    ) -> None:
        """Add headlines and replace visits."""
        self.headlines = [*self.headlines, *headlines]
        self.visits = self.visits | dict(visits)

    async def last_price(self) -> tuple[datetime, float] | None:
        """The price that the test has set."""
        return self.price

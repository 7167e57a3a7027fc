"""What the live feed has to remember beyond a restart, and shares with other processes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from isbitcoinlit.models import Headline, Visit


class LiveStore(Protocol):
    """Where the live feed keeps things; every method raises a `StorageError` when it cannot."""

    async def load(self, since: datetime) -> tuple[list[Headline], dict[str, Visit]]:
        """The headlines published since then, and the visits by the news feed's address."""

    async def keep(
        self, headlines: Iterable[Headline], visits: Mapping[str, Visit], now: datetime
    ) -> None:
        """Add headlines and replace visits; what is out of the window may be dropped."""

    async def last_price(self) -> tuple[datetime, float] | None:
        """Time and value of the newest price that was stored."""

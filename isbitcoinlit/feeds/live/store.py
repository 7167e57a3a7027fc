"""What the live feed has to remember beyond a restart, and shares with other processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from isbitcoinlit.models import Headline


@dataclass(frozen=True, slots=True)
class Visit:
    """The last good answer of a news feed."""

    time: datetime
    newest: datetime | None
    """Time of the newest item it had."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    """Headers that ask for another answer only if there is one."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that is remembered about the news."""

    headlines: Sequence[Headline]
    visits: Mapping[str, Visit]
    """By the news feed's address."""


class LiveStore(Protocol):
    """Where the live feed keeps things."""

    async def load(self, since: datetime) -> Shelf:
        """The headlines published since then, and the visits; raises a `StorageError`."""

    async def keep(self, headlines: Sequence[Headline], visits: Mapping[str, Visit]) -> None:
        """Add headlines and replace visits; what is out of the window may be dropped."""

    async def last_price(self) -> tuple[datetime, float] | None:
        """Time and value of the last combined price that was stored."""

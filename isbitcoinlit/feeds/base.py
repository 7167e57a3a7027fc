"""What every feed promises, whatever is behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from isbitcoinlit.models import Reading, SourcePrice


@dataclass(frozen=True, slots=True)
class Pull:
    """What one pull of a feed brought."""

    readings: tuple[Reading, ...]
    """Sorted by time, each time once."""
    fetched: int
    """How many rows the feed sent, good and bad."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """How many values were rejected, by reason (`price-not-finite`, …)."""
    prices: tuple[SourcePrice, ...] = ()
    """What each source said, where the price of the readings was made from several."""


class Feed(Protocol):
    """A source of readings."""

    @property
    def name(self) -> str:
        """The word for this feed in settings, keys and answers."""

    async def pull(self) -> Pull:
        """Ask once for what there is.

        Raises `FeedUnavailable` when the feed does not answer and `FeedInvalid` when its answer
        is not a feed. One bad row raises nothing: it is counted in `Pull.rejected`.
        """

    async def aclose(self) -> None:
        """Give back connections."""

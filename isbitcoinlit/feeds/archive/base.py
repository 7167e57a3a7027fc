"""What every archive promises."""

from collections.abc import Sequence
from typing import Protocol

from isbitcoinlit.feeds.base import Pull


class Archive(Protocol):
    """The past of one feed, in parts that one request fetches."""

    @property
    def name(self) -> str:
        """What the command line calls it."""

    @property
    def feed(self) -> str:
        """The feed in whose series the readings belong."""

    @property
    def only_gaps(self) -> bool:
        """Whether hours for which the series have a price already are left as they are."""

    async def parts(self) -> Sequence[str]:
        """The names of all parts in the range asked for, oldest first; raises a `FeedError`."""

    async def read(self, part: str) -> Pull:
        """The readings of one part, which may be none; raises a `FeedError`."""

    def closed(self, part: str) -> bool:
        """Whether the part will never change again, so that once is enough."""

    async def aclose(self) -> None:
        """Give back connections."""

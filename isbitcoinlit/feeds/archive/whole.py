"""A feed that gives all of its past at the first pull, taken as an archive of one part."""

from isbitcoinlit.feeds.base import Feed, Pull


class WholeFeed:
    """One part, asked for whenever the archive is."""

    only_gaps = False

    def __init__(self, feed: Feed) -> None:
        self.name = self.feed = feed.name
        self._feed = feed

    async def parts(self) -> list[str]:
        """The one part there is."""
        return ["all"]

    async def read(self, _part: str) -> Pull:
        """Everything."""
        return await self._feed.pull()

    def closed(self, _part: str) -> bool:
        """Never: there is a new day every day."""
        return False

    async def aclose(self) -> None:
        """Give back the feed's connections."""
        await self._feed.aclose()

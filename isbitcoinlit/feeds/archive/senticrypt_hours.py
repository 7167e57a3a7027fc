"""SentiCrypt v1's archive: a file of 30-second rows for each hour of 2020 to 2023."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

from isbitcoinlit.clock import HOUR, Clock
from isbitcoinlit.errors import FeedMissing
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.http import fetch, open_client
from isbitcoinlit.feeds.payload import expected, parse_json
from isbitcoinlit.feeds.rows import parse_rows

_FILE = re.compile(r"bitcoin-(\d{4}-\d{2}-\d{2}_\d{2})\.json")
_SENDER = "SentiCrypt's archive"


class SentiCryptHours:
    """The hours that the archive's index names, from one time to another (half-open)."""

    name = "senticrypt"
    feed = "senticrypt"
    only_gaps = False

    def __init__(self, feed_url: str, clock: Clock, since: datetime, until: datetime) -> None:
        self._history = urljoin(feed_url, "history/")
        self._clock = clock
        self._since = since
        self._until = until
        self._client = open_client()

    async def parts(self) -> list[str]:
        """The names of the files in the range."""
        url = urljoin(self._history, "index.json")
        answer = await fetch(self._client, url, clock=self._clock)
        document = parse_json(answer.body, _SENDER)
        with expected(_SENDER):
            found = filter(None, (_FILE.search(name) for name in document))
            names = sorted({match.group(0) for match in found})
        return [name for name in names if self._since - HOUR < _hour(name) < self._until]

    async def read(self, part: str) -> Pull:
        """The rows of one hour; an hour that the archive lacks after all has none."""
        try:
            url = urljoin(self._history, part)
            answer = await fetch(self._client, url, clock=self._clock)
        except FeedMissing:
            return Pull((), 0)
        return parse_rows(answer.body, self._clock.now(), f"{_SENDER}, in {part},")

    def closed(self, part: str) -> bool:
        """Whether the hour was over an hour ago."""
        return _hour(part) + timedelta(hours=2) <= self._clock.now()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _hour(name: str) -> datetime:
    """The hour that a file is about; one that is none lies before every range."""
    match = _FILE.fullmatch(name)
    try:
        return datetime.strptime(match.group(1) if match else "", "%Y-%m-%d_%H").replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)

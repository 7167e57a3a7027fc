"""How the feeds are doing, known to every process: whoever pulls them leaves word in Redis."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import StorageError
from isbitcoinlit.feeds.health import FeedReport, FeedState, judge
from isbitcoinlit.feeds.watched import WatchedFeed
from isbitcoinlit.log import get_logger
from isbitcoinlit.redis_client import redis_errors

PATIENCE_SECONDS = 0.5
"""How long a probe waits for Redis: what this process knows itself is an answer too."""

log = get_logger()


class FeedBoard:
    """The reports of some feeds, by the process that asked them last."""

    def __init__(self, redis: Redis, key: str, feeds: Sequence[WatchedFeed], clock: Clock) -> None:
        self.key = key
        """Where word is left."""
        self._redis = redis
        self._feeds = feeds
        self._clock = clock
        self._written: datetime | None = None

    def write(self) -> str:
        """Say what this process knows, for the others to read under the key."""
        self._written = self._clock.now()
        reports = [asdict(report) for report in self._own()]
        return json.dumps({"at": self._written, "feeds": reports}, default=datetime.isoformat)

    async def reports(self) -> list[FeedReport]:
        """Whatever is known best now; never raises."""
        own = self._own()
        try:
            with redis_errors():
                async with asyncio.timeout(PATIENCE_SECONDS):
                    text = await self._redis.get(self.key)
            if text is None:
                return own
            document = json.loads(text)
            at = datetime.fromisoformat(document["at"])
            if self._written and self._written >= at:
                return own
            known = {report.name: report for report in map(_read, document["feeds"])}
        except (StorageError, ValueError, TypeError, LookupError) as error:
            log.debug("feed-board-unreadable", reason=str(error))
            return own
        return [self._today(known.get(report.name, report), at) for report in own]

    def _own(self) -> list[FeedReport]:
        return [feed.report() for feed in self._feeds]

    def _today(self, report: FeedReport, at: datetime) -> FeedReport:
        """What a report of that time says now: data grows old, and waits end."""
        now = self._clock.now()
        state = report.state
        if state in {FeedState.OK, FeedState.STALE}:
            state = judge(report.newest, now, report.stale_after)
        return replace(
            report,
            state=state,
            next_attempt_in=max(0.0, report.next_attempt_in - (now - at).total_seconds()),
            sources=tuple(self._today(source, at) for source in report.sources),
        )


def _read(fields: dict[str, Any]) -> FeedReport:
    return FeedReport(
        **fields
        | {
            "state": FeedState(fields["state"]),
            "newest": _time(fields["newest"]),
            "last_success": _time(fields["last_success"]),
            "sources": tuple(map(_read, fields["sources"])),
        }
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

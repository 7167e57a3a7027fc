"""The names of all Redis keys, under one hash tag so that they share a cluster slot."""

from dataclasses import dataclass

from isbitcoinlit.models import Metric
from isbitcoinlit.series.buckets import Level, Part


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one prefix."""

    prefix: str

    def _key(self, *parts: str) -> str:
        return ":".join((f"{{{self.prefix}}}", *parts))

    def series(self, feed: str, metric: Metric) -> str:
        """The time series of one metric of one feed."""
        return self._key(feed, metric)

    def source_price(self, feed: str, source: str) -> str:
        """The time series of the price that one source of a feed gave."""
        return self._key(feed, Metric.PRICE, source)

    @property
    def schema(self) -> str:
        """The version of what all other keys hold."""
        return self._key("schema")

    @property
    def headlines(self) -> str:
        """Sorted set of the live feed's headlines, JSON, by time in milliseconds."""
        return self._key("live", "headlines")

    @property
    def visits(self) -> str:
        """Hash of the last answer of each news feed, JSON, by its address."""
        return self._key("live", "visits")

    def feed_reports(self, group: str) -> str:
        """How a group of feeds was doing when any process asked them last, JSON."""
        return self._key("reports", group)

    def backfilled(self, name: str) -> str:
        """Set of the parts of an archive that are stored for good."""
        return self._key("backfilled", name)

    def rollup(self, feed: str, metric: Metric, level: Level, part: Part) -> str:
        """One part of every hour or day of a series, kept by a compaction rule."""
        return self._key(feed, metric, level, part)

    @property
    def rollups(self) -> str:
        """Hash: what is complete and what is still to be built, see `series/rules.py`."""
        return self._key("rollups")

    def cache(self, name: str) -> str:
        """An answer that is kept for a while."""
        return self._key("cache", name)

    @property
    def cache_names(self) -> str:
        """Sorted set of what the cache holds, by the time it was put there."""
        return self._key("cache-names")

    @property
    def cache_generation(self) -> str:
        """Counts how often answers were forgotten."""
        return self._key("cache-generation")

    def cache_lock(self, name: str) -> str:
        """Held by the process that computes an answer."""
        return self._key("cache-lock", name)

    @property
    def snapshot(self) -> str:
        """The cached snapshot, JSON, with a time to live."""
        return self._key("snapshot")

    @property
    def snapshot_lock(self) -> str:
        """Held by the process that computes the snapshot."""
        return self._key("snapshot", "lock")

    @property
    def events(self) -> str:
        """Stream of the last events, for other processes and for clients that come back."""
        return self._key("events")

    @property
    def untold(self) -> str:
        """String: there while readings are stored that no event tells of yet, see `fence.py`."""
        return self._key("untold")

    @property
    def status(self) -> str:
        """Hash of the states that `status` events have told last, and of what was appended last."""
        return self._key("status")

    def lease(self, name: str) -> str:
        """The lease that lets one process at a time do the named work."""
        return self._key("lease", name)

    def operators(self, *parts: str) -> str:
        """What belongs to operators: accounts, sessions, failed logins, the audit."""
        return self._key("operators", *parts)

    def limit(self, group: str, window: int) -> str:
        """The requests of each client in one window, a hash with a time to live."""
        return self._key("limit", group, str(window))

    def usage(self, *parts: str) -> str:
        """What is counted over all processes, with a time to live."""
        return self._key("usage", *parts)

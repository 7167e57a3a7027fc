"""The numbers in the text format that Prometheus reads."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from isbitcoinlit.feeds.health import FeedState
from isbitcoinlit.usage.meter import BOUNDS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "isbitcoinlit_"

_COUNTERS = {
    "requests": ("Answers, by group of routes and HTTP status.", ("group", "status")),
    "cache_answers": ("Snapshots served, by where they came from.", ("source",)),
    "refreshes": ("Refreshes done here, by how they ended.", ("result",)),
    "failovers": ("Times that another Redis was found to be the primary.", ()),
    "subscription_resets": (
        "Times that reading other processes' events broke off and began again.",
        (),
    ),
    "limiter_fallbacks": ("Times that limits could not be shared through Redis.", ()),
}


class Exposition(Collector):
    """One scrape."""

    def __init__(
        self,
        totals: Mapping[str, float],
        gauges: Mapping[str, float],
        feeds: Mapping[str, str],
    ) -> None:
        self._totals = totals
        self._gauges = gauges
        self._feeds = feeds

    def text(self) -> bytes:
        """Return the scrape as it is sent."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Give all metrics."""
        for name, (help_text, labels) in _COUNTERS.items():
            counter = CounterMetricFamily(_PREFIX + name, help_text, labels=labels)
            for values, n in list(self._of(name)) or ([] if labels else [([], 0.0)]):
                counter.add_metric(values, n)
            yield counter
        yield self._latencies()
        for name, n in sorted(self._gauges.items()):
            yield GaugeMetricFamily(_PREFIX + name, _HELP.get(name, name), value=n)
        state = GaugeMetricFamily(
            f"{_PREFIX}feed_state", "1 for the state that a feed is in.", labels=("feed", "state")
        )
        for feed, current in self._feeds.items():
            for known in FeedState:
                state.add_metric((feed, known.value), float(known.value == current))
        yield state

    def _of(self, name: str) -> Iterator[tuple[list[str], float]]:
        """Give the labels and values of one counter."""
        for key, n in sorted(self._totals.items()):
            first, *labels = key.split("|")
            if first == name:
                yield labels, n

    def _latencies(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            f"{_PREFIX}request_seconds",
            "Time until an answer began, by group of routes.",
            labels=("group",),
        )
        names = [*map(str, BOUNDS), "+Inf"]
        for group in sorted({labels[0] for labels, _ in self._of("bucket")}):
            together, buckets = 0.0, []
            for i, name in enumerate(names):
                together += self._totals.get(f"bucket|{group}|{i}", 0)
                buckets.append((name, together))
            family.add_metric((group,), buckets, self._totals.get(f"seconds|{group}", 0))
        return family


_HELP = {
    "snapshot_age_seconds": "Since the snapshot was last known to be what the series say.",
    "data_age_seconds": "Since the newest reading.",
    "limiter_clients": "Clients that the limiter of the answering process remembers.",
    "write_age_seconds": "Since Redis acknowledged what a refresh of these processes wrote.",
    "lease_holder": "1 where the process is that refreshes for all.",
    "stream_clients": "Streams that are open.",
}

"""Counts answers and how long they took, in plain numbers that only grow."""

from bisect import bisect_left
from collections import Counter, defaultdict

from isbitcoinlit.limits.policy import Group
from isbitcoinlit.signals import Signals

BOUNDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Upper bounds in seconds of the latency histogram: a poll is in the first, a refresh far up."""


class GroupMeter:
    """The answers to one group of routes."""

    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def record(self, status: int, seconds: float) -> None:
        """Count one answer."""
        self.statuses[status] += 1
        self.buckets[0 if seconds <= BOUNDS[0] else bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


class Meters:
    """Everything that a process counts; whoever has something to count adds to it."""

    def __init__(self, refreshes: Counter[str], signals: Signals) -> None:
        self.groups = {group: GroupMeter() for group in Group}
        self.refreshes = refreshes
        """Refreshes by result, counted by whoever does them."""
        self.signals = signals
        self.cache_answers: Counter[str] = Counter()
        """Snapshots served, by where they came from."""
        self.limiter_fallbacks = 0
        """Times that the limiter had to do without Redis."""
        self.gauges: dict[str, float] = {}
        """Numbers of this process that are summed over all, by metric name without the prefix;
        for instance `stream_clients`."""

    def states(self) -> dict[str, float]:
        """Return every gauge as it is now."""
        return self.gauges | self.signals.gauges()

    def totals(self) -> dict[str, float]:
        """Return every count, by `name|label|label`."""
        totals: dict[str, float] = {"limiter_fallbacks": self.limiter_fallbacks}
        totals |= self.signals.totals()
        for group, meter in self.groups.items():
            if meter.statuses:
                totals[f"seconds|{group}"] = meter.seconds
            totals |= {f"requests|{group}|{status}": n for status, n in meter.statuses.items()}
            totals |= {f"bucket|{group}|{i}": n for i, n in enumerate(meter.buckets) if n}
        totals |= {f"cache_answers|{source}": n for source, n in self.cache_answers.items()}
        totals |= {f"refreshes|{result}": n for result, n in self.refreshes.items()}
        return totals

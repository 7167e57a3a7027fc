"""Why a snapshot says what it says, for `?explain=true`."""

from typing import Any

from isbitcoinlit.clock import HOUR
from isbitcoinlit.models import PAIR, HourlyAverage, Metric, Snapshot
from isbitcoinlit.snapshot.verdict import direction, reason, value, verdict


def explain(snapshot: Snapshot, *, stale_after: float, spacing: float) -> dict[str, Any]:
    """Return the deltas, the hours compared, the coverage and the thresholds.

    `stale_after` and `spacing`, the time from one reading to the next, are in seconds.
    """
    return {
        "verdict": verdict(snapshot),
        "reason": reason(snapshot),
        **{metric.value: _change(snapshot, metric) for metric in PAIR},
        "coverage": [
            {"time": hour.time.isoformat(), "coverage": _coverage(snapshot, hour, spacing)}
            for hour in snapshot.hours
        ],
        "thresholds": {"rising_above": 0, "stale_after_seconds": stale_after},
        "rule": "lit when both metrics rise from the first hour that has a value to the last",
    }


def _change(snapshot: Snapshot, metric: Metric) -> dict[str, Any]:
    """Return the two hours compared, and the way from one to the other."""
    found = [(h, v) for h in snapshot.hours if (v := value(h, metric)) is not None]
    way = {"direction": direction(snapshot, metric)}
    if len(found) < len(("from", "to")):
        return {**way, "from": None, "to": None, "change": None, "change_percent": None}
    (_, before), (_, after) = found[0], found[-1]
    # A sentiment has no natural zero that a percentage could be of.
    percent = (after / before - 1) * 100 if metric is Metric.PRICE else None
    return {
        **way,
        "from": _point(*found[0]),
        "to": _point(*found[-1]),
        "change": after - before,
        "change_percent": percent,
    }


def _point(hour: HourlyAverage, average: float) -> dict[str, Any]:
    return {"time": hour.time.isoformat(), "value": average}


def _coverage(snapshot: Snapshot, hour: HourlyAverage, spacing: float) -> float:
    """Return the share of the readings that the hour could have by the newest reading."""
    passed = min(snapshot.as_of - hour.time, HOUR).total_seconds()
    possible = max(1.0, passed / spacing)
    return round(min(1.0, hour.samples / possible), 3)

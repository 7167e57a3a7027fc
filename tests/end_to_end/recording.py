"""A day's first half as SentiCrypt records it, made up, and what plain Python says of it."""

import random
from collections import defaultdict
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from tests.end_to_end.senticrypt import Rows

READINGS = 1_237
FIRST = 1_625_529_600.5312034
"""6 July 2021, midnight."""


def recording() -> Rows:
    """Rows about 30 s apart, with a float time, a price as text and a mean of two decimals."""
    chance = random.Random(2021)
    rows: Rows = []
    moment, price, mean = FIRST, 34_000.0, 0.2
    for _ in range(READINGS):
        moment += chance.choice((30.0, 30.2, 30.4, 61.1))
        price += chance.gauss(0, 12)
        mean = max(-1.0, min(1.0, mean + chance.gauss(0, 0.01)))
        text = f"{price:.{chance.choice((0, 1, 2))}f}"
        rows.append({"count": 7259, "timestamp": moment, "mean": round(mean, 2), "btc_price": text})
    return rows


def expected_hours(rows: Rows) -> list[dict[str, Any]]:
    """The last three hours' averages, without Redis or any code of the service."""
    values: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        hour = int(row["timestamp"] // 3600)
        for metric, key in (("price", "btc_price"), ("sentiment", "mean")):
            if key in row:
                values[hour][metric].append(float(row[key]))
    last = max(values)
    return [
        {
            "time": datetime.fromtimestamp(hour * 3600, UTC).isoformat(),
            "price": fmean(values[hour]["price"]) if values[hour]["price"] else None,
            "sentiment": fmean(values[hour]["sentiment"]) if values[hour]["sentiment"] else None,
            "samples": max(len(numbers) for numbers in values[hour].values()),
            "partial": hour == last,
        }
        for hour in (last - 2, last - 1, last)
    ]

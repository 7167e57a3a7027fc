"""The snapshot in words: the verdict, and the reason in one line."""

from enum import StrEnum

from isbitcoinlit.models import PAIR, Direction, HourlyAverage, Metric, Snapshot


class Verdict(StrEnum):
    """The answer to the question."""

    LIT = "lit"
    NOT_LIT = "not lit"
    UNKNOWN = "unknown"
    """What was true when the newest reading was new says nothing about now."""


def verdict(snapshot: Snapshot) -> Verdict:
    """Judge a snapshot; a stale one, or one with nothing to compare, is no ground for a verdict."""
    if snapshot.stale or not compared_hours(snapshot):
        return Verdict.UNKNOWN
    return Verdict.LIT if snapshot.is_bitcoin_lit else Verdict.NOT_LIT


def reason(snapshot: Snapshot) -> str:
    """Say in at most 80 ASCII characters what the verdict rests on."""
    if snapshot.stale:
        return f"newest reading known is of {snapshot.as_of:%Y-%m-%d %H:%M} UTC"
    hours = compared_hours(snapshot)
    if not hours:
        return "too few hours with both price and sentiment"
    return f"{_directions(snapshot)} over the last {hours} hours"


def compared_hours(snapshot: Snapshot) -> int:
    """Return how many hours the comparison spans for both metrics; 0 when one has none."""
    return min(_span(snapshot, metric) for metric in PAIR)


def value(hour: HourlyAverage, metric: Metric) -> float | None:
    """Return the average that an hour has for a metric."""
    return hour.price if metric is Metric.PRICE else hour.sentiment


def direction(snapshot: Snapshot, metric: Metric) -> Direction:
    """Return where a metric went."""
    if metric is Metric.PRICE:
        return snapshot.price_direction
    return snapshot.sentiment_direction


def _span(snapshot: Snapshot, metric: Metric) -> int:
    present = [i for i, hour in enumerate(snapshot.hours) if value(hour, metric) is not None]
    return present[-1] - present[0] + 1 if len(present) > 1 else 0


def _directions(snapshot: Snapshot) -> str:
    price, sentiment = snapshot.price_direction, snapshot.sentiment_direction
    if price is sentiment:
        return f"price and sentiment {price}"
    return f"price {price}, sentiment {sentiment}"

"""The values that travel through the service: frozen, aware UTC, floats."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Metric(StrEnum):
    """What a time series measures."""

    PRICE = "price"
    SENTIMENT = "sentiment"
    MEDIAN = "median"
    COUNT = "count"


PAIR = (Metric.PRICE, Metric.SENTIMENT)
"""What every feed is asked for; the others are kept only for a feed that gives them."""

UNITS: Mapping[Metric, str] = {
    Metric.PRICE: "usd-per-btc",
    Metric.SENTIMENT: "score",
    Metric.MEDIAN: "score",
    Metric.COUNT: "texts",
}
"""The unit of each metric, as written in the series' labels."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One observation by a feed; either number may be absent, not both."""

    time: datetime
    """Aware UTC, millisecond resolution."""
    price: float | None
    """USD per BTC, greater than 0."""
    sentiment: float | None
    """Mean score in [-1, 1]."""
    median: float | None = None
    """Median score in [-1, 1], from feeds that give it."""
    count: float | None = None
    """How many texts were scored, from feeds that say it."""

    def value(self, metric: Metric) -> float | None:
        """The number this reading has for a metric."""
        match metric:
            case Metric.PRICE:
                return self.price
            case Metric.SENTIMENT:
                return self.sentiment
            case Metric.MEDIAN:
                return self.median
            case Metric.COUNT:
                return self.count


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of time, in milliseconds since the epoch."""

    begin: int
    end: int

    def touches(self, other: "Span") -> bool:
        """Tell whether the two have a moment in common."""
        return self.begin < other.end and other.begin < self.end


@dataclass(frozen=True, slots=True)
class SourcePrice:
    """What one of several sources says the price is."""

    source: str
    time: datetime
    """Of the trade, or of the answer where the source gives no time; aware UTC."""
    price: float
    """USD per BTC, finite, greater than 0."""


@dataclass(frozen=True, slots=True)
class Headline:
    """A news headline and its mood."""

    title: str
    link: str | None
    """An http(s) address, or None where the source gave nothing of the kind."""
    source: str
    guid: str
    """What the source calls the item; a source may use it again with another time."""
    time: datetime
    """When it was published; never in the future when it was read."""
    score: float
    """Mood in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Visit:
    """The last good answer of a news feed."""

    time: datetime
    newest: datetime | None
    """Time of the newest item it had."""
    conditions: Mapping[str, str]
    """Headers that ask for another answer only if there is one."""


@dataclass(frozen=True, slots=True)
class HourlyAverage:
    """The mean of all readings of one full-hour bucket."""

    time: datetime
    """Start of the hour, UTC."""
    price: float | None
    sentiment: float | None
    samples: int
    """How many readings the hour has; where the metrics differ, the larger number."""
    partial: bool
    """Whether the newest reading lies in this hour, so that later ones may still change it."""


class Direction(StrEnum):
    """Where a metric went between two hours."""

    RISING = "rising"
    FALLING = "falling"
    FLAT = "flat"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The answer: three hours of averages, and whether both metrics rose over them."""

    is_bitcoin_lit: bool
    hours: tuple[HourlyAverage, ...]
    """Three, oldest first; the last one holds the newest reading."""
    sentiment_direction: Direction
    price_direction: Direction
    as_of: datetime
    """Time of the newest reading."""
    stale: bool
    """Whether the newest reading was too old when this was computed."""
    feed: str

"""The shapes of answers about the past, for the API documentation."""

from datetime import datetime

from pydantic import BaseModel, Field

_FEED = "Whose readings these are; feeds are never mixed."
_NULL = "null without a reading."


class _Meta(BaseModel):
    feed: str = Field(description=_FEED)
    begin: datetime = Field(alias="from", description="Start of the first bucket.")
    to: datetime = Field(description="End of the last bucket.")
    as_of: datetime | None = Field(description="Time of the newest reading before `to`.")
    stale: bool = Field(description="Whether that is too long ago, for a range up to now.")


class SeriesMeta(_Meta):
    """What is true of all rows."""

    interval: str
    aggregation: str
    next: datetime | None = Field(description="`from` of the next page, if `limit` cut the range.")


class RowSchema(BaseModel):
    """One bucket; columns that were not asked for are missing."""

    time: datetime = Field(description="Start of the bucket.")
    price: float | None = Field(default=None, description=f"USD per BTC; {_NULL}")
    sentiment: float | None = Field(default=None, description=f"Score in [-1, 1]; {_NULL}")
    price_samples: int = Field(default=0, description="Readings that have a price.")
    sentiment_samples: int = Field(default=0, description="Readings that have a sentiment.")
    price_filled: bool = Field(default=False, description="With `fill`: put there, not read.")
    sentiment_filled: bool = Field(default=False, description="The same of the sentiment.")
    coverage: float = Field(
        description="Share of the bucket's 30-second steps that have a reading, of the metric "
        "with fewer."
    )
    partial: bool = Field(description="Whether the bucket still runs.")


class SeriesSchema(BaseModel):
    """Rows on one clock, oldest first."""

    data: list[RowSchema]
    meta: SeriesMeta


class CandlesMeta(_Meta):
    """What is true of all candles."""

    interval: str
    metric: str
    next: datetime | None = Field(description="`from` of the next page, if `limit` cut the range.")


class CandleSchema(BaseModel):
    """One bucket of one metric."""

    time: datetime = Field(description="Start of the bucket.")
    close_time: datetime = Field(description="End of the bucket.")
    open: float | None = Field(description=f"First value; {_NULL}")
    high: float | None = Field(description=f"Highest value; {_NULL}")
    low: float | None = Field(description=f"Lowest value; {_NULL}")
    close: float | None = Field(description=f"Last value; {_NULL}")
    samples: int = Field(description="Readings in the bucket.")
    partial: bool = Field(description="Whether the bucket still runs.")


class CandlesSchema(BaseModel):
    """Candles, oldest first."""

    data: list[CandleSchema]
    meta: CandlesMeta


class ReadingsMeta(_Meta):
    """What is true of all readings of a page."""

    next: str | None = Field(description="`cursor` of the next page; null on the last one.")


class StoredReadingSchema(BaseModel):
    """One reading; what the feed did not give is null."""

    time: datetime
    price: float | None = Field(description="USD per BTC.")
    sentiment: float | None = Field(description="Mean score in [-1, 1].")
    median: float | None = Field(description="Median score in [-1, 1].")
    count: int | None = Field(description="How many texts were scored.")


class ReadingsSchema(BaseModel):
    """Readings, oldest first."""

    data: list[StoredReadingSchema]
    meta: ReadingsMeta


class WindowSchema(BaseModel):
    """What a metric did over the time up to its feed's newest reading."""

    since: datetime | None = Field(
        description="Where the readings in the window begin; the hour, if it is a later one."
    )
    change: float | None = Field(
        description="Last value minus first; null where the readings begin too late for it."
    )
    change_percent: float | None = Field(description="The same in percent; prices only.")
    high: float | None
    low: float | None
    samples: int


class MetricSummarySchema(BaseModel):
    """The latest value of a metric, and how it got there."""

    latest: float | None
    time: datetime | None = Field(description="Time of the latest value.")
    windows: dict[str, WindowSchema] = Field(description="Over `1h`, `24h`, `7d` and `30d`.")


class VolatilitySchema(BaseModel):
    """Realised volatility: the spread of hourly logarithmic returns."""

    hourly: float = Field(description="Their sample standard deviation.")
    annualised: float = Field(description="The same times the square root of 8,760.")
    returns: int = Field(description="How many there were.")


class SummarySchema(BaseModel):
    """What a ticker shows, in one answer."""

    feed: str = Field(description=_FEED)
    as_of: datetime | None = Field(description="Time of the newest reading.")
    stale: bool
    price: MetricSummarySchema
    sentiment: MetricSummarySchema
    volatility: dict[str, VolatilitySchema | None] = Field(
        description="Over `24h`, `7d` and `30d`; null with fewer than 12 hourly returns."
    )

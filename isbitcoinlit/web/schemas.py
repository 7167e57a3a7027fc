"""The shapes of answers, for the API documentation and for checking what we send."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from isbitcoinlit.models import Direction

_EXAMPLE: dict[str, Any] = {
    "is_bitcoin_lit": True,
    "hourly_average_of_averages": [
        {
            "price": 32928.345,
            "sentiment": 0.22,
            "time": "2021-07-08T17:00:00+00:00",
            "samples": 104,
            "partial": False,
        },
        {
            "price": 32951.7,
            "sentiment": 0.25,
            "time": "2021-07-08T18:00:00+00:00",
            "samples": 104,
            "partial": False,
        },
        {
            "price": 33040.12,
            "sentiment": 0.27,
            "time": "2021-07-08T19:00:00+00:00",
            "samples": 101,
            "partial": True,
        },
    ],
    "sentiment_direction": "rising",
    "price_direction": "rising",
    "as_of": "2021-07-08T19:58:31.200000+00:00",
    "stale": False,
    "feed": "senticrypt",
}


class HourlyAverageSchema(BaseModel):
    """The averages of one full hour, UTC."""

    price: float | None = Field(description="Mean price in USD per BTC; null without a reading.")
    sentiment: float | None = Field(description="Mean score in [-1, 1]; null without a reading.")
    time: datetime = Field(description="Start of the hour.")
    samples: int = Field(description="Number of readings in the hour.")
    partial: bool = Field(
        description="Whether the newest reading lies in this hour, so that it may still change."
    )


class SnapshotSchema(BaseModel):
    """The last three hours of price and mood."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    is_bitcoin_lit: bool = Field(description="Whether price and sentiment both rise.")
    hourly_average_of_averages: list[HourlyAverageSchema] = Field(
        description="The hour of the newest reading and the two before it, oldest first."
    )
    sentiment_direction: Direction = Field(description="First hour with a value against the last.")
    price_direction: Direction = Field(description="First hour with a value against the last.")
    as_of: datetime = Field(description="Time of the newest reading.")
    stale: bool = Field(
        description="Whether the newest reading is too old, or could not be checked."
    )
    feed: str = Field(description="Where the readings come from; `demo` is not real data.")


class FeedOutcomeSchema(BaseModel):
    """What one of several feeds gave."""

    feed: str
    fetched: int
    added: int
    already_stored: int
    rejected: dict[str, int]
    newest: datetime | None
    error: str | None = Field(description="Why it gave nothing, in words.")


class RefreshSchema(BaseModel):
    """What a refresh did."""

    feed: str = Field(description="The feed that speaks, which the numbers are about.")
    fetched: int = Field(description="Rows that the feed sent.")
    added: int = Field(description="Readings that were new.")
    already_stored: int = Field(description="Readings that were known.")
    rejected: dict[str, int] = Field(
        description="Values not stored, by reason.", examples=[{"price-not-finite": 2}]
    )
    newest: datetime | None = Field(description="Time of the newest reading that the feed sent.")
    duration_ms: float
    snapshot: SnapshotSchema | None
    feeds: list[FeedOutcomeSchema] | None = Field(
        default=None, description="What each feed gave, where there are several."
    )


class CheckSchema(BaseModel):
    """One thing that was looked at."""

    name: str = Field(examples=["redis"])
    status: Literal["ok", "stale", "failing", "disabled"]
    detail: str = Field(examples=["answers"])


class ReadySchema(BaseModel):
    """Whether polls can be answered, and how well."""

    status: Literal["ok", "degraded", "failing"]
    checks: list[CheckSchema]


class LiveSchema(BaseModel):
    """Whether the process runs."""

    status: Literal["ok"]

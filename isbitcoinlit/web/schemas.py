"""The shapes of answers, for the API documentation and for checking what we send."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from isbitcoinlit.models import Direction
from isbitcoinlit.snapshot.verdict import Verdict

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


class PointSchema(BaseModel):
    """The average of one hour."""

    time: datetime = Field(description="Start of the hour.")
    value: float


class ChangeSchema(BaseModel):
    """The way of one metric over the snapshot."""

    model_config = {"serialize_by_alias": True}

    direction: Direction
    from_: PointSchema | None = Field(alias="from", description="The first hour with a value.")
    to: PointSchema | None = Field(description="The last hour with a value.")
    change: float | None
    change_percent: float | None = Field(description="For the price only.")


class CoverageSchema(BaseModel):
    """How complete one hour is."""

    time: datetime = Field(description="Start of the hour.")
    coverage: float = Field(description="Share of the readings that it could have by now.")


class ThresholdsSchema(BaseModel):
    """The numbers that decide."""

    rising_above: float = Field(description="The change above which a metric rises.")
    stale_after_seconds: float


class ExplanationSchema(BaseModel):
    """Why the snapshot says what it says."""

    verdict: Verdict
    reason: str = Field(examples=["price rising, sentiment falling over the last 3 hours"])
    price: ChangeSchema
    sentiment: ChangeSchema
    coverage: list[CoverageSchema]
    thresholds: ThresholdsSchema
    rule: str


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
    explanation: ExplanationSchema | None = Field(
        default=None, description="Why; only with `?explain=true`."
    )


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
    degraded: int = Field(
        description="New readings that fewer replicas of Redis have than wanted; not in `added`."
    )
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


class ShieldsSchema(BaseModel):
    """A badge, as shields.io takes it from an endpoint."""

    schema_version: Literal[1] = Field(alias="schemaVersion")
    label: str = Field(examples=["bitcoin"])
    message: str = Field(examples=["lit"])
    color: str = Field(examples=["#c2410c"])

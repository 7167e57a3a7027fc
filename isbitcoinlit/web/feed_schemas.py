"""The shapes of what is said about feeds, their sources and the news."""

from datetime import datetime

from pydantic import BaseModel, Field

from isbitcoinlit.feeds.health import FeedState


class SourceHealthSchema(BaseModel):
    """How a feed, or one of its sources, is doing."""

    name: str = Field(examples=["kraken"])
    status: FeedState = Field(
        description="`ok`, `stale` (it answers, its newest data is old), `failing` or `disabled`."
    )
    newest: datetime | None = Field(description="Time of its newest data.")
    last_success: datetime | None = Field(description="When it last answered as it should.")
    last_error: str | None = Field(description="Why the last request failed, in words.")
    requests: int = Field(description="How often it was asked by the process that asks it.")
    failures: int = Field(description="How many of these requests failed.")
    next_attempt: datetime | None = Field(
        description="Until when it is left alone; null when it is asked at the next turn."
    )


class FeedHealthSchema(SourceHealthSchema):
    """How a feed is doing, and what it is made of."""

    speaks: bool = Field(description="Whether the snapshot is computed from this feed.")
    sources: list[SourceHealthSchema]


class FeedsHealthSchema(BaseModel):
    """How all feeds are doing."""

    speaks: str = Field(description="The feed that the snapshot is computed from.")
    feeds: list[FeedHealthSchema] = Field(description="In the order in which they are tried.")
    companions: list[SourceHealthSchema] = Field(
        description="Daily series beside the feeds; never part of the snapshot."
    )


class HeadlineSchema(BaseModel):
    """A headline and what it counts for."""

    title: str
    link: str | None
    source: str = Field(description="Who published it.", examples=["coindesk.com"])
    time: datetime
    score: float = Field(description="Mood in [-1, 1].")
    weight: float = Field(description="1 when new, half as much every six hours.")


class HeadlinesSchema(BaseModel):
    """The headlines that make the mood, newest first."""

    sentiment: float | None = Field(
        description="Their weighted mean; null when there are fewer than five."
    )
    median: float | None
    count: int
    newest_age: float | None = Field(description="Seconds since the newest was published.")
    headlines: list[HeadlineSchema]


class SourcePriceSchema(BaseModel):
    """What one source said the price was."""

    source: str = Field(examples=["kraken"])
    price: float = Field(description="USD per BTC.")
    time: datetime


class CompanionSchema(BaseModel):
    """The newest value of a daily series."""

    name: str = Field(examples=["fear-greed"])
    sentiment: float = Field(description="In [-1, 1].")
    time: datetime = Field(description="Start of the day, UTC.")
    attribution: str = Field(description="Whom to name where the value is shown.")


class LatestSchema(BaseModel):
    """The newest reading, and what it was made from."""

    feed: str
    time: datetime
    price: float | None = Field(description="USD per BTC.")
    price_time: datetime | None
    sentiment: float | None = Field(description="Mean score in [-1, 1].")
    sentiment_time: datetime | None
    stale: bool = Field(description="Whether the newest of both is too old.")
    sources: list[SourcePriceSchema] = Field(
        description="The last price of each source, where the price was made from several."
    )
    companions: list[CompanionSchema]

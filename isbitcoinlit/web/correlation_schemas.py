"""The shape of what is said about correlations."""

from datetime import datetime

from pydantic import BaseModel, Field

from isbitcoinlit.history.correlation import Coefficient, Measure
from isbitcoinlit.series.buckets import Interval

_NULL = "null with fewer than 30 pairs, or where one side does not vary."
_EFFECTIVE = "How many independent pairs these are worth."
_P = "Corrected for autocorrelation."
_CORRECTED = "Corrected for the number of lags, measures and coefficients, too."


class LagSchema(BaseModel):
    """What was found at one lag."""

    lag: int = Field(description="In buckets; positive: sentiment leads.")
    level_n: int = Field(description="Pairs of sentiment and return.")
    level_pearson: float | None = Field(description=f"In [-1, 1]; {_NULL}")
    level_pearson_effective_n: float | None = Field(description=_EFFECTIVE)
    level_pearson_p: float | None = Field(description=_P)
    level_pearson_p_corrected: float | None = Field(description=_CORRECTED)
    level_spearman: float | None = Field(description=f"Of ranks, in [-1, 1]; {_NULL}")
    level_spearman_effective_n: float | None = Field(description=_EFFECTIVE)
    level_spearman_p: float | None = Field(description=_P)
    level_spearman_p_corrected: float | None = Field(description=_CORRECTED)
    change_n: int = Field(description="Pairs of a change of sentiment and a return.")
    change_pearson: float | None = Field(description=f"In [-1, 1]; {_NULL}")
    change_pearson_effective_n: float | None = Field(description=_EFFECTIVE)
    change_pearson_p: float | None = Field(description=_P)
    change_pearson_p_corrected: float | None = Field(description=_CORRECTED)
    change_spearman: float | None = Field(description=f"Of ranks, in [-1, 1]; {_NULL}")
    change_spearman_effective_n: float | None = Field(description=_EFFECTIVE)
    change_spearman_p: float | None = Field(description=_P)
    change_spearman_p_corrected: float | None = Field(description=_CORRECTED)


class BestLagSchema(BaseModel):
    """The lag that chance explains least, for one way of comparing."""

    measure: Measure
    coefficient: Coefficient
    lag: int | None
    value: float | None = Field(description="The coefficient at this lag.")
    p_corrected: float | None
    significant: bool = Field(description="Whether `p_corrected` is below 0.05.")
    words: str = Field(
        examples=["Sentiment leads the price by 3 hours: higher goes with higher returns …"]
    )


class CorrelationMeta(BaseModel):
    """What was compared, how, and what stands out."""

    feed: str
    window: str
    interval: Interval
    max_lag: int
    from_: datetime = Field(alias="from", description="Start of the first bucket.")
    to: datetime = Field(description="End of the last bucket; one that still runs is left out.")
    as_of: datetime = Field(description="Time of the newest reading.")
    buckets_with_price: int
    buckets_with_sentiment: int
    buckets_with_return: int
    best: list[BestLagSchema]
    method: dict[str, str]
    caveat: str
    stale: bool


class CorrelationSchema(BaseModel):
    """Correlations by lag, from the most negative lag on."""

    data: list[LagSchema]
    meta: CorrelationMeta

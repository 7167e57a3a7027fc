"""The shape of SentiCrypt's rows, for the API documentation."""

from pydantic import BaseModel, Field

_NOT_KEPT = "Always null: not kept."


class SentiCryptRow(BaseModel):
    """One reading under SentiCrypt's names."""

    count: int | None = Field(description="Texts that were scored, if the feed said so.")
    timestamp: float = Field(description="Seconds since 1970, to the millisecond.")
    rate: float | None = Field(description=_NOT_KEPT)
    last: float | None = Field(description=_NOT_KEPT)
    sum: float | None = Field(description=_NOT_KEPT)
    mean: float | None = Field(description="Mean score in [-1, 1].")
    median: float | None = Field(description="Median score, if the feed gave it.")
    btc_price: str | None = Field(description="USD per BTC.")

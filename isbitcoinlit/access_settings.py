"""The settings that say who may do what, and how often."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from isbitcoinlit.rate import Rate


def _rate(text: str) -> str:
    Rate.parse(text)
    return text


RateText = Annotated[str, AfterValidator(_rate)]
"""A number of requests in a stretch of time: `120/minute`."""


class AccessSettings(BaseSettings):
    """A part of `Settings`, which says what holds for all fields."""

    secret_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Key that operators' tokens are signed with, at least 32 characters; unset, "
        "one is made at first use and kept in Redis.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Bearer token with which `/metrics` may be read from other machines; at least "
        "16 characters.",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks, separated by commas, of the proxies whose "
        "`X-Forwarded-For` is believed.",
    )
    limit_snapshot: RateText = Field(
        default="6000/minute", description="Polls that one client may send."
    )
    limit_history: RateText = Field(
        default="300/minute", description="Requests for history that one client may send."
    )
    limit_streams: RateText = Field(
        default="60/minute", description="Streams that one client may open."
    )
    limit_refresh: RateText = Field(
        default="60/minute", description="Refreshes that one client may ask for."
    )
    limit_login: RateText = Field(
        default="30/minute", description="Logins that one client may try."
    )
    limit_health: RateText = Field(
        default="1200/minute",
        description="Requests for health and metrics that one client may send.",
    )
    limit_other: RateText = Field(
        default="600/minute", description="Requests for anything else that one client may send."
    )
    limit_operator: RateText = Field(
        default="60000/minute",
        description="Requests of any kind that one operator who is logged in may send.",
    )

    # The last two are fields of `Settings`. A secret that comes from a file often ends with a line.
    @field_validator(
        *("secret_key", "metrics_token", "operator_token", "redis_url"),
        mode="before",
        check_fields=False,
    )
    @classmethod
    def _without_space_around(cls, value: object) -> object:
        return value.strip() or None if isinstance(value, str) else value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

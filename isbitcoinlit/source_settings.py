"""The settings of the live feed's sources, which an empty value removes."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
)

_ADDRESS = r"^(https?://\S+)?$"
_NEWS_FEED = re.compile(r"https?://[^\s,]+( [0-9]+(\.[0-9]+)?)?")
_NEWS_FEEDS = (
    "https://www.coindesk.com/arc/outboundfeeds/rss/ 180",
    "https://cointelegraph.com/rss/tag/bitcoin 900",
    "https://decrypt.co/feed 180",
    "https://www.theblock.co/rss.xml 180",
    "https://cryptoslate.com/feed/ 900",
)


class EmptyVariables(EnvSettingsSource):
    """Reads the environment for removals only."""

    def __call__(self) -> dict[str, Any]:
        """The removable settings that are empty."""
        return _removals(super().__call__())


class EmptyLines(DotEnvSettingsSource):
    """Reads `.env` for removals only."""

    def __call__(self) -> dict[str, Any]:
        """The removable settings that are empty."""
        return _removals(super().__call__())


class SourceSettings(BaseSettings):
    """One field per source, each of them removable."""

    kraken_url: str = Field(
        default="https://api.kraken.com/0/public/Ticker?pair=XBTUSD",
        pattern=_ADDRESS,
        description="Address of Kraken's ticker for the feed `live`; empty removes this source.",
    )
    bitstamp_url: str = Field(
        default="https://www.bitstamp.net/api/v2/ticker/btcusd/",
        pattern=_ADDRESS,
        description="Address of Bitstamp's ticker for the feed `live`; empty removes this source.",
    )
    coinbase_url: str = Field(
        default="https://api.exchange.coinbase.com/products/BTC-USD/ticker",
        pattern=_ADDRESS,
        description="Address of Coinbase's ticker for the feed `live`; empty removes this source.",
    )
    headline_feeds: Annotated[tuple[str, ...], NoDecode] = Field(
        default=_NEWS_FEEDS,
        description="RSS feeds for the feed `live`, with commas between them: an address, and "
        "after a blank the seconds between two visits (900 if not given); empty removes them all.",
    )
    fear_greed_url: str = Field(
        default="https://api.alternative.me/fng/",
        pattern=_ADDRESS,
        description="Address of the daily Fear & Greed index; empty removes it.",
    )
    senticrypt_daily_url: str = Field(
        default="https://api.senticrypt.com/v2/all.json",
        pattern=_ADDRESS,
        description="Address of SentiCrypt's daily history; empty removes it.",
    )
    bitstamp_hours_url: str = Field(
        default="https://www.bitstamp.net/api/v2/ohlc/btcusd/",
        pattern=_ADDRESS,
        description="Address of Bitstamp's hourly prices, with which gaps of `live` are filled; "
        "empty leaves them open.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where values come from, the first one wins; an empty variable may be a removal."""
        return (
            init_settings,
            env_settings,
            EmptyVariables(settings_cls, env_ignore_empty=False),
            dotenv_settings,
            EmptyLines(settings_cls, env_ignore_empty=False),
            file_secret_settings,
        )

    @field_validator("headline_feeds", mode="before")
    @classmethod
    def _split_news_feeds(cls, value: object) -> object:
        return split(value)

    @field_validator("headline_feeds")
    @classmethod
    def _news_feeds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_NEWS_FEED.fullmatch, value)):
            raise ValueError("should hold http(s):// addresses, each with a blank and seconds")
        return value


ADDRESSES = tuple(name for name in SourceSettings.model_fields if name.endswith("_url"))
"""Fields that hold one address, or nothing."""
REMOVABLE = frozenset(SourceSettings.model_fields)
"""Fields that an empty variable empties; everywhere else an empty variable is an unset one."""


def split(value: object) -> object:
    """A text's parts between commas; anything else as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _removals(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name in REMOVABLE and value == ""}


def has_host(url: str) -> bool:
    """Tell whether the parts of an address can be told apart, with a host and a possible port."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False

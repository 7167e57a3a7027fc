"""All settings, and the only reader of the environment."""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import DotEnvSettingsSource, NoDecode, SettingsConfigDict

from isbitcoinlit.access_settings import AccessSettings
from isbitcoinlit.errors import SettingsError
from isbitcoinlit.redis_url import parse
from isbitcoinlit.source_settings import ADDRESSES, SourceSettings, has_host, split

PREFIX = "ISBITCOINLIT_"
FEED_NAMES = ("senticrypt", "live", "replay", "demo")
_YEAR = 31_536_000
_SHORTEST_RETENTION = 172_800
"""Two days: Redis would refuse the older part of a feed of 24 hours, at every refresh again."""


def default_data_directory() -> Path:
    """Where the platform keeps a user's application data."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "isbitcoinlit"


class Settings(AccessSettings, SourceSettings):
    """One field per setting; a field's description is its documentation everywhere."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,  # A compose file passes on what is unset as empty.
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        allow_inf_nan=False,
    )

    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(f"{PREFIX}REDIS_URL", "REDIS_URL"),
        description="Address of a Redis with time series (redis://, rediss://, unix://, "
        "redis+sentinel:// or redis+cluster://); unset, the service starts its own embedded Redis "
        "Stack. REDIS_URL is read too.",
    )
    min_replicas: int = Field(
        default=0,
        ge=0,
        le=10,
        description="Replicas of Redis that must have a reading before a refresh calls it added.",
    )
    feed: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("senticrypt", "live"),
        description="Where readings come from: senticrypt, live, replay or demo, or several with "
        "commas between them, of which the first one with fresh data speaks.",
    )
    senticrypt_url: str = Field(
        default="https://api.senticrypt.com/v1/bitcoin.json",
        pattern=r"^https?://\S+$",
        description="Address of SentiCrypt's 24-hour feed (http:// or https://).",
    )
    replay_file: FilePath | None = Field(
        default=None,
        description="A recorded feed for `replay`, moved in time so that its newest reading is "
        "now; the path of an existing file.",
    )
    refresh_interval: float = Field(
        default=30, ge=0.1, le=86_400, description="Seconds between two pulls of the feed."
    )
    snapshot_ttl: float = Field(
        default=120, ge=1, le=3_600, description="Seconds that a computed snapshot is cached."
    )
    stale_after: float = Field(
        default=600,
        gt=0,
        le=_YEAR,
        description="Seconds after which the newest reading is too old, and answers say `stale`.",
    )
    serve_stale_for: float = Field(
        default=3_600,
        ge=0,
        le=_YEAR,
        description="Seconds for which the last snapshot is served while Redis is away.",
    )
    retention: int = Field(
        default=0,
        ge=0,
        le=100 * _YEAR,
        description="Seconds that readings are kept, at least two days (172800); 0 keeps them for "
        "ever. Hours and days are always kept.",
    )
    data_dir: Path = Field(
        default_factory=default_data_directory,
        description="Directory in which the embedded Redis keeps its append-only file.",
    )
    key_prefix: str = Field(
        default="isbitcoinlit",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Hash tag that all keys in Redis start with: 1 to 64 letters, digits or _.-",
    )
    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address that the service listens on."
    )
    port: int = Field(
        default=8000, ge=0, le=65_535, description="Port that the service listens on; 0 picks one."
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Number of processes that answer requests."
    )
    max_streams: int = Field(
        default=4_000,
        ge=0,
        description="Streams (`/api/v1/stream`) that one process keeps open at a time.",
    )
    max_streams_per_client: int = Field(
        default=20,
        ge=0,
        description="Streams that one process keeps open at a time for one client address.",
    )
    max_points: int = Field(
        default=5_000,
        ge=100,
        le=100_000,
        description="Rows of one answer about the past.",
    )
    operator_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Bearer token with which scripts may do what an operator may, "
        "`POST /refresh` above all; at least 16 characters.",
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto",
        description="How log lines look: text for people, json for machines; auto is text on a "
        "terminal and json elsewhere.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important log lines to print."
    )

    @field_validator("replay_file", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("redis_url")
    @classmethod
    def _an_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            files = parse(value.get_secret_value()).files
            if absent := [str(file) for file in files if not file.is_file()]:
                raise ValueError(f"should name files that exist, and {absent[0]} does not")
        return value

    @field_validator("senticrypt_url", *ADDRESSES)
    @classmethod
    def _with_a_host(cls, value: str) -> str:
        if value and not has_host(value):
            raise ValueError("should be an address such as https://host:443/path")
        return value

    @field_validator("retention")
    @classmethod
    def _long_enough(cls, value: int) -> int:
        if 0 < value < _SHORTEST_RETENTION:
            raise ValueError(
                f"should be 0 or at least {_SHORTEST_RETENTION}: a reading that comes late makes "
                "Redis compute its day anew, from readings that have to be there"
            )
        return value

    @field_validator("feed", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split(value)

    @field_validator("feed")
    @classmethod
    def _known_feeds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) < len(value) or not set(value) <= set(FEED_NAMES):
            raise ValueError(f"should be one of {', '.join(FEED_NAMES)}, or some with commas")
        return value

    @model_validator(mode="after")
    def _replay_needs_a_file(self) -> Self:
        if "replay" in self.feed and self.replay_file is None:
            raise ValueError(f"{PREFIX}FEED holds 'replay': {PREFIX}REPLAY_FILE should name a file")
        return self


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings from overrides (field names), the environment and `.env`, in that order.

    Raises `SettingsError` with a sentence per wrong setting; secrets are not repeated.
    """
    try:
        return Settings(**(overrides or {}))
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(e) for e in error.errors())) from None


def unknown_variables() -> list[str]:
    """Sentences about variables with our prefix that are not settings (typing errors, mostly)."""
    known = [variable(name) for name in Settings.model_fields]
    sentences = []
    in_file = {name.upper() for name in DotEnvSettingsSource(Settings).env_vars}
    for name in sorted(in_file.union(os.environ)):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            sentences.append(f"{name} is not a setting{hint}")
    return sentences


def variable(field_name: str) -> str:
    """The environment variable of a field."""
    return f"{PREFIX}{field_name.upper()}"


def _sentence(error: ErrorDetails) -> str:
    """One wrong setting in words: its variable, what it holds, what it should be."""
    reason = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return f"{reason}."
    first = str(error["loc"][0])
    name = first.lower().removeprefix(PREFIX.lower())
    field = Settings.model_fields[name]
    secret = "SecretStr" in str(field.annotation)
    held = "holds something else (it is secret)" if secret else f"holds {_in_words(error['input'])}"
    wanted = re.sub(r"^(Input |Value |String |Path )?", "it ", reason, count=1)
    return f"{variable(name)} {held}: {wanted}. {field.description}"


def _in_words(value: object) -> str:
    """Write a value as it was written in the environment."""
    return repr(",".join(value) if isinstance(value, tuple) else str(value))

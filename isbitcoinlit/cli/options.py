"""Options that several commands have, each of which overrides a setting."""

from pathlib import Path
from typing import Annotated, Any

import typer

from isbitcoinlit.settings import Settings, load_settings, variable


def setting(field: str, flag: str) -> Any:
    """Make the option that overrides a setting; the setting's own words are its help."""
    info = Settings.model_fields[field]
    default = info.get_default(call_default_factory=True)
    shown = ",".join(default) if isinstance(default, tuple) else default
    named = variable(field) if shown is None else f"{variable(field)}, default {shown}"
    return typer.Option(flag, help=f"{info.description} [dim]({named})[/dim]", show_default=False)


Feed = Annotated[str | None, setting("feed", "--feed")]
RedisUrl = Annotated[str | None, setting("redis_url", "--redis-url")]
DataDir = Annotated[Path | None, setting("data_dir", "--data-dir")]
ReplayFile = Annotated[Path | None, setting("replay_file", "--replay-file")]
SenticryptUrl = Annotated[str | None, setting("senticrypt_url", "--senticrypt-url")]


def load(options: dict[str, Any]) -> Settings:
    """Load settings, with the options that were given taking precedence."""
    given = {n: v for n, v in options.items() if v is not None and n in Settings.model_fields}
    return load_settings(given)

"""Which requests are counted together, and how many of them a client may make."""

from collections.abc import Mapping
from enum import StrEnum

from isbitcoinlit.rate import Rate
from isbitcoinlit.settings import Settings


class Group(StrEnum):
    """Routes that share one budget."""

    SNAPSHOT = "snapshot"
    HISTORY = "history"
    STREAMS = "streams"
    REFRESH = "refresh"
    LOGIN = "login"
    HEALTH = "health"
    OTHER = "other"
    OPERATOR = "operator"
    """Not routes, but whatever an operator asks for."""


def rates(settings: Settings) -> Mapping[Group, Rate]:
    """Return what the settings allow each group."""
    return {group: Rate.parse(getattr(settings, f"limit_{group}")) for group in Group}

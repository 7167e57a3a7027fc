"""The feeds that the settings name."""

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import SettingsError
from isbitcoinlit.feeds.base import Feed
from isbitcoinlit.feeds.demo import Demo
from isbitcoinlit.feeds.live.live import Live, LiveAddresses
from isbitcoinlit.feeds.live.news_feed import NewsAddress
from isbitcoinlit.feeds.live.prices import READERS
from isbitcoinlit.feeds.live.scorer import MarketScorer
from isbitcoinlit.feeds.live.store import LiveStore
from isbitcoinlit.feeds.replay import Replay
from isbitcoinlit.feeds.senticrypt import SentiCrypt
from isbitcoinlit.settings import Settings, variable


def build_feed(name: str, settings: Settings, clock: Clock, store: LiveStore) -> Feed:
    """A feed that is ready to be pulled; who builds it closes it.

    Raises `SettingsError` when the recording of `replay` cannot be used.
    """
    match name, settings.replay_file:
        case "senticrypt", _:
            return SentiCrypt(settings.senticrypt_url, clock)
        case "live", _:
            interval = settings.refresh_interval
            return Live(_addresses(settings), store, MarketScorer(), clock, interval=interval)
        case "demo", _:
            return Demo(clock)
        case "replay", path if path is not None:
            return Replay(path, clock)
        case _:
            raise SettingsError(f"{variable('feed')} holds {name!r}, for which there is no feed.")


def _addresses(settings: Settings) -> LiveAddresses:
    """Where the settings send the live feed."""
    return LiveAddresses(
        prices={source: getattr(settings, f"{source}_url") for source in READERS},
        news=[NewsAddress.parse(entry) for entry in settings.headline_feeds],
    )

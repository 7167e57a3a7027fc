"""The feed that the settings name."""

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import SettingsError
from isbitcoinlit.feeds.base import Feed
from isbitcoinlit.feeds.demo import Demo
from isbitcoinlit.feeds.replay import Replay
from isbitcoinlit.feeds.senticrypt import SentiCrypt
from isbitcoinlit.settings import Settings, variable


def build_feed(settings: Settings, clock: Clock) -> Feed:
    """A feed that is ready to be pulled; who builds it closes it.

    Raises `SettingsError` when the recording of `replay` cannot be used.
    """
    match settings.feed[0], settings.replay_file:
        case "senticrypt", _:
            return SentiCrypt(settings.senticrypt_url, clock)
        case "demo", _:
            return Demo(clock)
        case "replay", path if path is not None:
            return Replay(path, clock)
        case name, _:
            raise SettingsError(f"{variable('feed')} is {name!r}, for which there is no feed.")

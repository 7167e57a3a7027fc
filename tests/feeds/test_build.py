"""The feed that the settings name."""

from pathlib import Path

import pytest

from isbitcoinlit.feeds.build import build_feed
from isbitcoinlit.settings import FEED_NAMES, Settings
from tests.feeds.memory_store import MemoryStore
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", FEED_NAMES)
async def test_each_name_gives_its_feed(name: str, tmp_path: Path, clock: ManualClock) -> None:
    """Every feed that a setting may name can be built, and bears that name."""
    recording = tmp_path / "recording.json"
    recording.write_text('[{"timestamp":1625592626,"btc_price":"33885.23","mean":0.2}]')

    feed = build_feed(name, Settings(replay_file=recording), clock, MemoryStore())
    await feed.aclose()

    assert feed.name == name

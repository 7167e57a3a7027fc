"""A recording that is played again and again."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isbitcoinlit.errors import SettingsError
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.replay import Replay
from isbitcoinlit.models import Reading
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

START = 1625592626.345
SECONDS = (0, 30, 61, 91, 182)
"""When the recording's readings were made: spacings of 30, 31, 30 and 91 s, so a turn of 212.5."""
TURN = 212.5
LONG_AGO = datetime(2009, 1, 3, tzinfo=UTC)


def record(path: Path, seconds: Iterable[float] = SECONDS, extra: str = "") -> Path:
    """A file with readings at these seconds, whose prices count up from 100."""
    rows = [
        json.dumps({"timestamp": START + second, "btc_price": f"{100 + n}", "mean": n / 10})
        for n, second in enumerate(seconds)
    ]
    path.write_text(f"[{','.join(rows)}{extra}]")
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording of five readings."""
    return record(tmp_path / "recording.json")


def loaded(recording: Path, clock: ManualClock) -> Replay:
    """A feed whose file is gone."""
    feed = Replay(recording, clock)
    recording.unlink()
    return feed


def ages(pull: Pull, clock: ManualClock) -> list[float]:
    """How many seconds ago each reading was, oldest first."""
    return [(clock.now() - reading.time).total_seconds() for reading in pull.readings]


def prices(pull: Pull) -> list[float | None]:
    """The readings' prices, oldest first."""
    return [reading.price for reading in pull.readings]


async def test_the_newest_reading_is_now(recording: Path, clock: ManualClock) -> None:
    """The first pull gives the whole recording, its spacings kept, its newest reading now."""
    pull = await Replay(recording, clock).pull()

    assert ages(pull, clock) == [182, 152, 121, 91, 0]
    assert pull.readings[0] == Reading(clock.now() - timedelta(seconds=182), 100, 0)
    assert pull.readings[-1] == Reading(clock.now(), 104, 0.4)


async def test_nothing_new_comes_before_its_time(recording: Path, clock: ManualClock) -> None:
    """Until the usual spacing is over, a pull gives the same readings."""
    feed = Replay(recording, clock)
    first = await feed.pull()
    clock.advance(30.499)

    assert await feed.pull() == first


async def test_it_starts_over_with_a_new_reading(recording: Path, clock: ManualClock) -> None:
    """After its end the recording's first reading comes again, as a new one in the oldest's place.

    The spacing before it is the recording's median.
    """
    feed = Replay(recording, clock)
    await feed.pull()
    clock.advance(30.5)

    pull = await feed.pull()

    assert prices(pull) == [101, 102, 103, 104, 100]
    assert ages(pull, clock)[-2:] == [30.5, 0]


@pytest.mark.parametrize("turns", [1, 2, 1_000])
async def test_each_turn_is_the_recording(recording: Path, clock: ManualClock, turns: int) -> None:
    """A whole number of turns later the same readings come, that much later."""
    feed = Replay(recording, clock)
    first = await feed.pull()
    clock.advance(turns * TURN)

    pull = await feed.pull()

    assert prices(pull) == prices(first)
    assert ages(pull, clock) == [182, 152, 121, 91, 0]


async def test_time_never_jumps(recording: Path, clock: ManualClock) -> None:
    """Pulled for three turns, each time has one price, times only grow, and none is skipped."""
    feed = Replay(recording, clock)
    await feed.pull()
    seen: dict[datetime, float | None] = {}
    for _ in range(140):
        pull = await feed.pull()
        assert max(seen, default=LONG_AGO) <= pull.readings[-1].time <= clock.now()
        assert all(seen.setdefault(r.time, r.price) == r.price for r in pull.readings)
        assert len({r.time for r in pull.readings}) == len(pull.readings) == 5
        clock.advance(4.6)

    assert list(seen) == sorted(seen)
    assert list(seen.values()) == ([100, 101, 102, 103, 104] * 5)[: len(seen)]
    assert len(seen) == 5 + 3 * 5


async def test_the_clock_may_go_back(recording: Path, clock: ManualClock) -> None:
    """When the clock is set back, no reading of the future is given."""
    feed = Replay(recording, clock)
    await feed.pull()
    clock.advance(-100)

    pull = await feed.pull()

    assert prices(pull) == [103, 104, 100, 101, 102]
    assert min(ages(pull, clock)) >= 0


async def test_a_single_reading_comes_every_half_minute(tmp_path: Path, clock: ManualClock) -> None:
    """A recording of one reading gives it anew every 30 s."""
    feed = Replay(record(tmp_path / "one.json", [0]), clock)
    first = await feed.pull()
    clock.advance(30)

    assert (await feed.pull()).readings[0].time - first.readings[0].time == timedelta(seconds=30)


async def test_bad_rows_are_counted(tmp_path: Path, clock: ManualClock) -> None:
    """What was rejected in the recording is counted in each pull."""
    feed = Replay(record(tmp_path / "bad.json", extra=',17,{"timestamp":0}'), clock)

    pull = await feed.pull()

    assert (len(pull.readings), pull.fetched) == (5, 7)
    assert pull.rejected == {"row-not-an-object": 1, "time-out-of-range": 1}


async def test_the_file_is_read_once(recording: Path, clock: ManualClock) -> None:
    """The file may go once the feed is there."""
    feed = loaded(recording, clock)

    assert len((await feed.pull()).readings) == 5


def test_a_file_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path, clock: ManualClock) -> None:
    """Without its file the feed refuses to start and names the variable and the file."""
    path = tmp_path / "none.json"

    with pytest.raises(SettingsError) as raised:
        Replay(path, clock)

    expected = f"ISBITCOINLIT_REPLAY_FILE is '{path}', which cannot be read: No such file"
    assert str(raised.value).startswith(expected)


def test_a_file_that_is_no_recording_is_a_wrong_setting(tmp_path: Path, clock: ManualClock) -> None:
    """With a file of something else the feed refuses to start and says what the file holds."""
    path = tmp_path / "object.json"
    path.write_text("{}")

    with pytest.raises(SettingsError, match="which holds an object, not a list of readings"):
        Replay(path, clock)

"""The feed `replay`: a recording, moved in time so that its newest reading is now."""

import statistics
from bisect import bisect_right
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from isbitcoinlit.clock import Clock, from_milliseconds, to_milliseconds
from isbitcoinlit.errors import FeedInvalid, SettingsError
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.rows import parse_rows
from isbitcoinlit.models import Reading
from isbitcoinlit.settings import variable

_LONE_SPACING = 30_000
"""Milliseconds between the turns of a recording that has a single reading."""


class Replay:
    """A recorded feed in SentiCrypt's format, played again and again.

    The first pull anchors the newest reading of the recording at that moment. From then on its
    first reading follows after the recording's usual spacing, and so on without an end: turn `n`
    is the recording moved by `n` times its length. Raises `SettingsError` when the file cannot be
    read or is not such a recording.
    """

    name = "replay"

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._recording = _read(path, clock)
        times = [to_milliseconds(reading.time) for reading in self._recording.readings]
        self._offsets = [time - times[-1] for time in times]
        """Milliseconds from the recording's newest reading: none is positive, the last is 0."""
        self._length = _length(times)
        self._anchor: int | None = None

    async def pull(self) -> Pull:
        """One whole turn of the recording that ends now: each reading of it, once."""
        now = to_milliseconds(self._clock.now())
        if self._anchor is None:
            self._anchor = now
        turn, position = divmod(now - self._anchor, self._length)
        released = bisect_right(self._offsets, position - self._length)
        start = self._anchor + turn * self._length
        readings = (
            *self._moved(slice(released, None), start),
            *self._moved(slice(released), start + self._length),
        )
        return Pull(readings, self._recording.fetched, self._recording.rejected)

    def _moved(self, part: slice, start: int) -> list[Reading]:
        """Some of the recording's readings, at the times of the turn whose end is `start`."""
        rows = zip(self._offsets[part], self._recording.readings[part], strict=True)
        return [
            replace(recorded, time=from_milliseconds(start + offset)) for offset, recorded in rows
        ]

    async def aclose(self) -> None:
        """Nothing to give back."""


def _read(path: Path, clock: Clock) -> Pull:
    opening = f"{variable('replay_file')} is {str(path)!r}, which"
    try:
        return parse_rows(path.read_bytes(), clock.now(), f"{opening} holds")
    except OSError as error:
        raise SettingsError(f"{opening} cannot be read: {error.strerror}.") from error
    except FeedInvalid as error:
        raise SettingsError(str(error)) from error


def _length(times: list[int]) -> int:
    """Milliseconds of one turn: all readings, and the usual spacing before the next turn."""
    spacings = [later - earlier for earlier, later in pairwise(times)] or [_LONE_SPACING]
    return times[-1] - times[0] + max(1, round(statistics.median(spacings)))

"""The sliding window: what one client asked of one group of routes, counted in memory.

The window slides by weighing: of the last full window, the share that still lies within the
current stretch counts. Windows begin at multiples of their length on the wall clock, so that all
processes mean the same one.
"""

from math import ceil
from typing import NamedTuple

from isbitcoinlit.clock import Clock
from isbitcoinlit.rate import Rate

CLIENTS = 20_000
"""Windows kept in memory for each group, about 200 bytes each; the oldest one makes room."""


class Window:
    """One client's count; moments are the monotonic clock's seconds."""

    __slots__ = ("client", "current", "ends", "late", "previous", "refused", "unsent")

    def __init__(self, client: str, ends: float) -> None:
        self.client = client
        self.ends = ends
        self.previous = 0
        """Requests in the last window, of all processes as far as known."""
        self.current = 0
        """Requests in this window, of all processes as far as known."""
        self.unsent = 0
        """Those of them, ours, that the other processes do not know of yet."""
        self.late = 0
        """The same of the last window."""
        self.refused = 0
        """Requests refused since the last settling; they do not use up the budget."""


class Change(NamedTuple):
    """What one client did since the last settling."""

    window: Window
    allowed: int
    """In the window that runs."""
    late: int
    """In the one before."""
    refused: int
    ends: float
    """When the window ends that runs."""


class GroupLimiter:
    """Counts the clients of one group of routes; nothing here waits."""

    def __init__(self, rate: Rate, clock: Clock, *, clients: int = CLIENTS) -> None:
        self.rate = rate
        self._count = rate.count
        self._clock = clock
        self._clients = clients
        self._windows: dict[str, Window] = {}
        self._touched: list[Window] = []

    def take(self, client: str, now: float) -> tuple[int, Window]:
        """Count one request; return how many more may come at once, or -1 for a refusal."""
        window = self._windows.get(client) or self._admit(client, now)
        if now >= window.ends:
            self._roll(window, now)
        remaining = self._count - window.current - 1
        if window.previous:
            remaining -= ceil(window.previous * (window.ends - now) / self.rate.seconds)
        if not (window.unsent or window.refused or window.late):
            self._touched.append(window)
        if remaining < 0:
            window.refused += 1
            return -1, window
        window.current += 1
        window.unsent += 1
        return remaining, window

    def wait(self, window: Window, now: float) -> int:
        """Return the whole seconds, at least 1, after which a refused client may ask again."""
        count, left = self.rate.count, window.ends - now
        if window.current < count:
            room = count - 1 - window.current
            seconds = left - room * self.rate.seconds / max(window.previous, 1)
        else:
            seconds = left + self.rate.seconds * (1 - (count - 1) / window.current)
        return max(1, ceil(seconds))

    def changes(self) -> list[Change]:
        """Return what was counted since the last call."""
        touched, self._touched = self._touched, []
        now, changes = self._clock.monotonic(), []
        for window in touched:
            if now >= window.ends:
                self._roll(window, now)
            changes.append(Change(window, window.unsent, window.late, window.refused, window.ends))
            window.unsent = window.late = window.refused = 0
        return changes

    def forget_idle(self) -> None:
        """Let go of clients that have not asked for two windows."""
        oldest = self._clock.monotonic() - self.rate.seconds
        self._windows = {c: w for c, w in self._windows.items() if w.ends > oldest}

    def number(self) -> int:
        """Return which window of the wall clock this is."""
        return int(self._clock.now().timestamp()) // self.rate.seconds

    def left(self) -> float:
        """Return the seconds until the current window ends, for whichever client."""
        return self.rate.seconds - self._clock.now().timestamp() % self.rate.seconds

    def __len__(self) -> int:
        return len(self._windows)

    def _admit(self, client: str, now: float) -> Window:
        if len(self._windows) >= self._clients:
            # What it had not settled is lost: no more than a settling interval's worth.
            del self._windows[next(iter(self._windows))]
        window = self._windows[client] = Window(client, now + self.left())
        return window

    def _roll(self, window: Window, now: float) -> None:
        """Begin the next window; requests not settled yet are still of the last one."""
        follows = now < window.ends + self.rate.seconds
        window.previous = window.current if follows else 0
        window.late = window.unsent if follows else 0
        window.current = window.unsent = 0
        window.ends = now + self.left()

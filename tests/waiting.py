"""Waiting for something that another thread or process does."""

import time
from collections.abc import Callable
from pathlib import Path

_POLL_SECONDS = 0.005


def until(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition comes true within so many seconds; returns as soon as it does."""
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return met


def runs(pid: int) -> bool:
    """Whether a process exists and has not ended; one that nobody has collected has ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"

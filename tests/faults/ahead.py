"""The service on a machine whose clock is an hour ahead."""

from datetime import datetime, timedelta

from isbitcoinlit.cli.app import main
from isbitcoinlit.clock import SystemClock

_now = SystemClock.now


def _an_hour_ahead(self: SystemClock) -> datetime:
    return _now(self) + timedelta(hours=1)


if __name__ == "__main__":
    SystemClock.now = _an_hour_ahead  # type: ignore[method-assign]
    main()

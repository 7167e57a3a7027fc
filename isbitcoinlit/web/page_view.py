"""What the page says when it arrives, before any script has run."""

import json
from dataclasses import dataclass
from datetime import datetime
from html import escape

from isbitcoinlit.feeds.health import FeedReport
from isbitcoinlit.models import HourlyAverage, Reading, Snapshot
from isbitcoinlit.snapshot.document import to_dict
from isbitcoinlit.snapshot.verdict import Verdict, reason, verdict

FEED_WORDS = {"ok": "is ok", "stale": "is stale", "failing": "is failing"}
"""The same as in page.js."""
ABSENT = "\N{EN DASH}"
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


@dataclass(frozen=True, slots=True)
class History:
    """What is stored of a feed, as far as that is known."""

    count: int | None = None
    newest: Reading | None = None


def answer_values(snapshot: Snapshot | None, now: datetime, why_not: str) -> dict[str, str]:
    """Return what the templates say about a snapshot, or about its absence."""
    if snapshot is None:
        return {**_NOTHING, "reason": why_not}
    found = verdict(snapshot)
    when = f"{snapshot.as_of:%Y-%m-%d %H:%M}"
    return {
        "verdict": found.capitalize(),
        "verdict_key": found.replace(" ", "-"),
        "reason": reason(snapshot),
        "stale": str(snapshot.stale).lower(),
        "stale_hidden_html": "" if snapshot.stale else " hidden",
        "stale_notice": f"Stale: the newest reading is of {when} UTC." if snapshot.stale else "",
        "as_of": snapshot.as_of.isoformat(),
        "age": ago((now - snapshot.as_of).total_seconds()),
        "age_hidden_html": "",
        "hours_html": "".join(_row(hour) for hour in snapshot.hours),
        "hours_hidden_html": "",
    }


def feed_values(report: FeedReport) -> dict[str, str]:
    """Return what the templates say about the feed."""
    return {
        "feed": report.name,
        "feed_state": report.state,
        "feed_words": FEED_WORDS[report.state],
        "demo_hidden_html": "" if report.name == "demo" else " hidden",
    }


def history_values(history: History) -> dict[str, str]:
    """Return what the templates say about the newest reading and the number of all."""
    newest = history.newest
    return {
        "readings": ABSENT if history.count is None else f"{history.count:,}",
        "price": price(newest.price if newest else None),
        "sentiment": sentiment(newest.sentiment if newest else None),
        "time": f"{newest.time:%Y-%m-%d %H:%M}" if newest else ABSENT,
    }


def state_html(
    snapshot: Snapshot | None, history: History, now: datetime, stale_after: float
) -> str:
    """Return what the scripts start from, as JSON that cannot end its element."""
    state = {
        "snapshot": to_dict(snapshot) if snapshot else None,
        "readings": history.count,
        "newest": _reading(history.newest),
        "stale_after": stale_after,
        "now": now.isoformat(),
    }
    return json.dumps(state, allow_nan=False).replace("<", "\\u003c")


def price(value: float | None) -> str:
    """Write a price for people."""
    return ABSENT if value is None else f"{value:,.2f}"


def sentiment(value: float | None) -> str:
    """Write a score for people, with a true minus and always a sign."""
    return ABSENT if value is None else f"{value:+z.3f}".replace("-", "\N{MINUS SIGN}")


def ago(seconds: float) -> str:
    """Say how long ago something was, in the largest unit of which there are two."""
    whole = max(0, int(seconds))
    size, name = next((u for u in _UNITS if whole >= 2 * u[0]), (1, "second"))
    number = whole // size
    return f"{number:,} {name}{'' if number == 1 else 's'} ago"


def _reading(reading: Reading | None) -> dict[str, str | float | None]:
    """Write a reading as events do; one that is not known is older than all."""
    if reading is None:
        return {"time": "", "price": None, "sentiment": None}
    time = reading.time.isoformat()
    return {"time": time, "price": reading.price, "sentiment": reading.sentiment}


_NOTHING = {
    "verdict": Verdict.UNKNOWN.capitalize(),
    "verdict_key": Verdict.UNKNOWN,
    "stale": "false",
    "stale_hidden_html": " hidden",
    "stale_notice": "",
    "as_of": "",
    "age": "",
    "age_hidden_html": " hidden",
    "hours_html": "",
    "hours_hidden_html": " hidden",
}
"""What is said where there is no reading."""


def _row(hour: HourlyAverage) -> str:
    partial = "<small>so far</small>" if hour.partial else ""
    cells = (price(hour.price), sentiment(hour.sentiment), f"{hour.samples:,}")
    head = f'<th scope="row">{hour.time:%H:%M}{partial}</th>'
    return f"<tr>{head}{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"

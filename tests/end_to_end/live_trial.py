"""The trial: the whole service, and its sources failing in turn, a minute made a second.

`python -m tests.end_to_end.live_trial` prints the table that stands in docs/feeds.md.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from isbitcoinlit.embedded.server import EmbeddedRedis
from tests.end_to_end.service import Service, service
from tests.end_to_end.world import World, played_world
from tests.waiting import until

NEWS = ("/news1.xml", "/news2.xml")
PRICES = ("/kraken", "/bitstamp", "/coinbase")
V1 = "/v1/bitcoin.json"

Phase = tuple[str, dict[str, str], dict[str, str]]
"""What happens, what it does to which paths, and the state that each source must reach."""
PHASES: tuple[Phase, ...] = (
    ("all is well", {}, {"senticrypt": "ok", "live": "ok", "kraken": "ok", "news1": "ok"}),
    ("SentiCrypt frozen", {V1: "frozen"}, {"senticrypt": "stale", "live": "ok"}),
    (
        "and Kraken answers 503",
        {V1: "frozen", "/kraken": "down"},
        {"senticrypt": "stale", "live": "ok", "kraken": "failing"},
    ),
    (
        "and Bitstamp stands still",
        {V1: "frozen", "/bitstamp": "frozen"},
        {"live": "ok", "kraken": "ok", "bitstamp": "stale"},
    ),
    (
        "and Coinbase sends HTML with 200",
        {V1: "frozen", "/coinbase": "html"},
        {"live": "ok", "bitstamp": "ok", "coinbase": "failing"},
    ),
    (
        "and the first news feed answers 429",
        {V1: "frozen", "/news1.xml": "limited"},
        {"live": "ok", "coinbase": "ok", "news1": "failing", "news2": "ok"},
    ),
    (
        "and no exchange answers",
        {V1: "frozen", **dict.fromkeys(PRICES, "down")},
        {"live": "ok", "kraken": "failing", "bitstamp": "failing", "coinbase": "failing"},
    ),
    (
        "and SentiCrypt wakes up",
        dict.fromkeys(PRICES, "down"),
        {"senticrypt": "ok", "live": "ok", "kraken": "failing"},
    ),
    (
        "nobody answers",
        dict.fromkeys((V1, *PRICES, *NEWS), "down"),
        {"senticrypt": "failing", "live": "failing", "kraken": "failing", "news2": "failing"},
    ),
    (
        "SentiCrypt frozen, everybody else back",
        {V1: "frozen"},
        {"senticrypt": "stale", "live": "ok", "kraken": "ok", "bitstamp": "ok", "coinbase": "ok"},
    ),
)
STATE_SECONDS = 20.0
"""How long a state may take to show: an exchange that failed is asked again ever later."""


@dataclass(frozen=True)
class Seen:
    """How things were at the end of a phase."""

    phase: str
    states: dict[str, str]
    speaks: str
    snapshot_feed: str
    stale: bool
    price: float | None
    sources: tuple[str, ...]
    """Those that gave a price in the last seconds."""
    seconds: float
    """From the beginning of the phase until the states were reached."""


@contextmanager
def trial(redis_url: str, key_prefix: str) -> Iterator[tuple[World, Service]]:
    """The service and its world; a refresh every half second instead of every half minute."""
    with (
        played_world() as world,
        service(
            redis_url=redis_url,
            key_prefix=key_prefix,
            feed="senticrypt,live",
            refresh_interval=0.5,
            stale_after=10,
            **world.settings(),
        ) as running,
    ):
        yield world, running


def run(world: World, running: Service) -> Iterator[Seen]:
    """Go through all phases; fails when a state is not reached."""
    for name, disturbed, expected in PHASES:
        world.states = disturbed
        began = time.monotonic()
        reached = until(partial(_matches, running, expected), STATE_SECONDS)
        assert reached, (name, expected, _states(running))
        seconds = time.monotonic() - began
        speaks = "live" if V1 in disturbed and "live" in expected else "senticrypt"
        if expected["live"] == "ok":
            assert until(partial(_speaks, running, speaks), STATE_SECONDS), name
        yield _seen(name, running, seconds)


def _speaks(running: Service, feed: str) -> bool:
    return bool(_snapshot(running)["feed"] == feed)


def _matches(running: Service, expected: dict[str, str]) -> bool:
    states = _states(running)
    return all(states.get(source) == state for source, state in expected.items())


def _states(running: Service) -> dict[str, str]:
    """The state of every feed and source; a news feed by the name of its file."""
    states = {}
    for feed in running.get("/health/feeds").json()["feeds"]:
        for each in (feed, *feed["sources"]):
            states[Path(each["name"]).stem] = each["status"]
    return states


def _snapshot(running: Service) -> dict[str, Any]:
    snapshot: dict[str, Any] = running.get().json()
    return snapshot


def _seen(name: str, running: Service, seconds: float) -> Seen:
    snapshot = _snapshot(running)
    latest = running.get("/api/v1/readings/latest").json()
    return Seen(
        phase=name,
        states=_states(running),
        speaks=running.get("/health/feeds").json()["speaks"],
        snapshot_feed=snapshot["feed"],
        stale=snapshot["stale"],
        price=latest["price"],
        sources=tuple(each["source"] for each in latest["sources"]),
        seconds=seconds,
    )


def _table(rows: list[Seen]) -> str:
    sources = [source for source in rows[0].states if source not in ("senticrypt", "live")]
    head = ["what happens", "speaks", "stale", "senticrypt", "live", *sources, "seconds"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        states = [row.states[source] for source in ("senticrypt", "live", *sources)]
        lines.append([row.phase, row.speaks, str(row.stale), *states, f"{row.seconds:.1f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print the table."""
    with (
        TemporaryDirectory(prefix="isbitcoinlit-") as directory,
        EmbeddedRedis(Path(directory), "trial") as server,
        trial(server.url, "trial") as (world, running),
    ):
        sys.stdout.write(_table(list(run(world, running))) + "\n")


if __name__ == "__main__":
    main()

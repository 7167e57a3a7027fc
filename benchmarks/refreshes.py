"""Refreshes: what they cost Redis when nothing, or one reading, is new."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

from pydantic import SecretStr
from redis.asyncio import Redis

from benchmarks import report
from benchmarks.commands import CommandStats
from benchmarks.processes import redis_server
from benchmarks.report import Row
from benchmarks.round_trips import RoundTrips
from isbitcoinlit.clock import to_milliseconds
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.models import Metric, Reading
from isbitcoinlit.resources import open_resources
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.store import BATCH
from isbitcoinlit.settings import Settings

READINGS = 2_480
"""A day of the real feed."""


class ListFeed:
    """A feed that gives what it is told to."""

    name = "demo"

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings = tuple(readings)

    async def pull(self) -> Pull:
        """Give the readings."""
        return Pull(self.readings, fetched=len(self.readings))

    async def aclose(self) -> None:
        """Do nothing."""


def readings(number: int, spacing: timedelta = timedelta(seconds=30)) -> list[Reading]:
    """Make readings up to now, with values that compress like real ones."""
    first = datetime.now(UTC).replace(microsecond=0) - number * spacing
    return [
        Reading(first + i * spacing, 34_000 + i * 37 % 1_009 / 7, (i * 13 % 101) / 101 - 0.5)
        for i in range(number)
    ]


def rows(*, quick: bool) -> Iterator[Row]:
    """Refresh with nothing new, with one new reading, and as a service that resends all would."""
    with redis_server() as redis_url:
        measured = asyncio.run(_measure(redis_url, rounds=5 if quick else 30))
    yield report.exactly("TS.MADD in a refresh with nothing new", 0, max(measured["madds"]))
    yield report.no_more_than("round trips of it, lease included", 3, max(measured["trips"]))
    one, everything = median(measured["one"]), median(measured["everything"])
    yield report.at_most(
        "Redis CPU for one new reading of 2,480, against re-sending all",
        1 / 50,
        one / everything,
        microseconds={"one": measured["one"], "everything": measured["everything"]},
    )


async def _measure(redis_url: str, rounds: int) -> dict[str, list[int]]:
    stats, trips = CommandStats(redis_url), RoundTrips(redis_url)
    measured: dict[str, list[int]] = {n: [] for n in ("madds", "trips", "one", "everything")}
    feed = ListFeed(readings(READINGS))
    async with trips.proxy() as proxied:
        settings = Settings(redis_url=SecretStr(proxied), refresh_interval=86_400)
        async with open_resources(settings, feed=feed) as resources:
            await resources.refresher.force()
            for _ in range(rounds):
                stats.since()
                trips.count = 0
                await resources.refresher.force()
                measured["trips"].append(trips.count)
                measured["madds"].append(stats.since().calls.get("ts.madd", 0))
                latest = feed.readings[-1]
                feed.readings += (replace(latest, time=latest.time + timedelta(seconds=1)),)
                report_ = await resources.refresher.force()
                assert report_.added == 1
                measured["one"].append(round(stats.since().total_microseconds()))
                await _resend(redis_url, settings.key_prefix, feed)
                measured["everything"].append(round(stats.since().total_microseconds()))
    return measured


async def _resend(redis_url: str, prefix: str, feed: ListFeed) -> None:
    """Write the whole day, as the tutorial does at every tick."""
    keys = Keys(prefix)
    samples = [
        (keys.series(feed.name, metric), to_milliseconds(reading.time), reading.value(metric) or 0)
        for reading in feed.readings
        for metric in (Metric.PRICE, Metric.SENTIMENT)
    ]
    async with Redis.from_url(redis_url) as redis:
        for start in range(0, len(samples), BATCH):
            await redis.ts().madd(list(samples[start : start + BATCH]))

"""What an operator would look at first, looked at."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from isbitcoinlit.census import wrong_keys
from isbitcoinlit.errors import FeedError, IsBitcoinLitError, SeriesUnusable, StorageError
from isbitcoinlit.feeds.watched import WatchedFeed
from isbitcoinlit.models import PAIR
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.resources import Resources, open_resources
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings, unknown_variables

BORN = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right shows an earlier time."""
CLOCK_TOLERANCE = timedelta(seconds=5)
"""How far our clock and that of Redis may lie apart."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's table."""

    what: str
    found: str
    advice: str | None = None
    """What to do; None when nothing is wrong."""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Look at everything in turn; what cannot be opened is a finding too."""
    for sentence in unknown_variables():
        yield Finding("settings", sentence, "Correct the variable's name, or remove it.")
    try:
        async with open_resources(settings, role="doctor") as resources:
            async for finding in _examine(resources):
                yield finding
    except IsBitcoinLitError as error:
        yield Finding("service", "cannot start", str(error))


async def _examine(resources: Resources) -> AsyncIterator[Finding]:
    try:
        async for finding in _redis(resources):
            yield finding
    except SeriesUnusable as error:
        yield Finding("data", str(error), "Rename or delete the key.")
    except StorageError as error:
        yield Finding("Redis", str(error), _remedy(resources.settings))
    findings = [await _feed(resources, feed) for feed in resources.feeds]
    # Of several feeds one that works is enough.
    some_work = any(finding.advice is None for finding in findings)
    for finding in findings:
        yield replace(finding, advice=None) if some_work else finding


async def _redis(resources: Resources) -> AsyncIterator[Finding]:
    with redis_errors():
        server = await resources.redis.info("server")
        modules = await resources.redis.module_list()
        seconds, microseconds = await resources.redis.time()
    yield Finding("Redis", f"version {server['redis_version']}, {_where(resources.settings)}")
    yield _time_series({module["name"]: module["ver"] for module in modules})
    for wrong in await wrong_keys(resources.redis, Keys(resources.settings.key_prefix)):
        advice = f"Rename or delete it: redis-cli DEL '{wrong.key}'. The service makes it anew."
        yield Finding("key", f"{wrong.key} holds {wrong.found}, not {wrong.wanted}", advice)
    await resources.reader.choose()
    yield await _keys(resources)
    yield await _newest(resources)
    redis_time = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)
    yield _clock(resources.clock.now(), redis_time)


def _where(settings: Settings) -> str:
    if settings.redis_url is None:
        return f"embedded, data in {settings.data_dir}"
    return "at the address in ISBITCOINLIT_REDIS_URL"


def _remedy(settings: Settings) -> str:
    if settings.redis_url is None:
        return f"Look into {settings.data_dir / 'redis.log'}, then start again."
    return "Is it running, and is the address in ISBITCOINLIT_REDIS_URL right?"


def _time_series(modules: dict[str, int]) -> Finding:
    version = modules.get("timeseries")
    if version is None:
        return Finding("time series", "no module", "Use Redis Stack 7.4 or Redis 8.")
    dotted = f"{version // 10_000}.{version // 100 % 100}.{version % 100}"
    return Finding("time series", f"module version {dotted}")


async def _keys(resources: Resources) -> Finding:
    keys = Keys(resources.settings.key_prefix)
    pattern = keys.snapshot.removesuffix("snapshot") + "*"
    with redis_errors():
        number = len([key async for key in resources.redis.scan_iter(pattern, count=1_000)])
        samples = {
            metric: await resources.redis.ts().info(keys.series(resources.feed.name, metric))
            for metric in PAIR
        }
    counts = ", ".join(f"{info['total_samples']} {metric}" for metric, info in samples.items())
    return Finding("data", f"{number} keys; samples of {resources.feed.name}: {counts}")


async def _newest(resources: Resources) -> Finding:
    newest = await resources.series.newest(resources.feed.name)
    if not newest:
        advice = "Start the service, or run `isbitcoinlit refresh`."
        return Finding("newest reading", "none yet", advice)
    time = max(time for time, _ in newest.values())
    age = resources.clock.now() - time
    found = f"{time.isoformat(timespec='seconds')}, {_in_words(age)} old"
    if age.total_seconds() > resources.settings.stale_after:
        advice = "Is the service running? If it is, look at the feeds' lines below."
        return Finding("newest reading", found, advice)
    return Finding("newest reading", found)


def _clock(ours: datetime, redis_time: datetime) -> Finding:
    apart = abs(ours - redis_time)
    found = f"{ours.isoformat(timespec='seconds')}, {_in_words(apart)} from that of Redis"
    if ours < BORN or apart > CLOCK_TOLERANCE:
        return Finding("clock", found, "Set the clock, best by NTP (timedatectl set-ntp true).")
    return Finding("clock", found)


async def _feed(resources: Resources, feed: WatchedFeed) -> Finding:
    name = f"feed {feed.name}"
    try:
        pull = await feed.pull()
    except (FeedError, StorageError) as error:
        advice = "Check the network and the feed's address; the service retries by itself."
        return Finding(name, str(error), advice)
    newest = pull.readings[-1].time
    age = resources.clock.now() - newest
    found = f"{pull.fetched} rows, newest {_in_words(age)} old"
    if age.total_seconds() > resources.settings.stale_after:
        return Finding(name, found, "The feed answers, but its data is old: choose another feed.")
    return Finding(name, found)


def _in_words(duration: timedelta) -> str:
    """Write a duration with its two largest units."""
    seconds = max(0, round(duration.total_seconds()))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"

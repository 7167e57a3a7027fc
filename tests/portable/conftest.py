"""What the tests of files start from: files, and a writer to a Redis of their own."""

import gzip
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis.asyncio import Redis

from isbitcoinlit.models import Reading, Span
from isbitcoinlit.portable.batch import Broken
from isbitcoinlit.portable.importer import Imported, import_file
from isbitcoinlit.portable.source import Source
from isbitcoinlit.series.bulk import BulkWriter
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.samples import ReadingReader
from tests.manual_clock import ManualClock

FEED = "given"
EVERYTHING = Span(0, 1 << 50)


@dataclass
class Report:
    """What an import said."""

    done: Imported
    broken: list[Broken] = field(default_factory=list)
    told: list[Span] = field(default_factory=list)


Import = Callable[..., Awaitable[Report]]


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The names of the test's keys."""
    return Keys(key_prefix)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file, compressed if wanted."""

    def write(text: str, *, packed: bool = False) -> Path:
        path = tmp_path / "readings"
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
        return path

    return write


@pytest.fixture
def run(redis: Redis, keys: Keys, clock: ManualClock) -> Import:
    """Imports a file."""

    async def run(
        path: Path,
        *,
        into: Keys = keys,
        retention_seconds: int = 0,
        tell: Callable[[Imported], None] = lambda _: None,
        told: list[Span] | None = None,
    ) -> Report:
        told = [] if told is None else told
        broken: list[Broken] = []

        async def hear(feed: str, spans: Sequence[Span]) -> None:
            assert feed == FEED
            told.extend(spans)

        writer = BulkWriter(redis, into, FEED, retention_seconds=retention_seconds, tell=hear)
        done = await import_file(Source(path, clock), writer, tell, broken.append)
        return Report(done, broken, told)

    return run


@pytest.fixture
def stored(redis: Redis, keys: Keys) -> Callable[..., Awaitable[list[Reading]]]:
    """Gives all readings that are stored."""

    async def read(of: Keys = keys) -> list[Reading]:
        return await ReadingReader(redis, of).read(FEED, EVERYTHING, 1_000_000)

    return read

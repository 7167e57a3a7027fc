"""`isbitcoinlit export` and `import`, as commands."""

import gzip
import json
from pathlib import Path

import pytest
from redis.asyncio import Redis

from isbitcoinlit.events.event import EventKind
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.series.keys import Keys
from tests.end_to_end.service import run

_CSV = "time,price,sentiment\n2021-07-07T12:00:00,34000.5,0.2\nnonsense\n2021-07-07T12:00:30,3,\n"
_REST = '"median":null,"count":null}'


def test_there_and_back(redis_url: str, key_prefix: str, tmp_path: Path) -> None:
    """What was exported and imported elsewhere is exported as the same file."""
    here = {"redis_url": redis_url, "key_prefix": key_prefix, "feed": "demo"}
    there = {**here, "key_prefix": f"{key_prefix}-there"}
    assert run("refresh", **here).returncode == 0
    first, second = tmp_path / "first.csv.gz", tmp_path / "second.csv"

    assert run("export", "--gzip", "-o", str(first), **here).returncode == 0
    done = run("import", str(first), **there)
    assert done.returncode == 0, done.stderr
    again = run("export", "-o", str(second), **there)

    assert "2880 readings exported." in again.stderr
    assert gzip.decompress(first.read_bytes()) == second.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*sv*")) == ["first.csv.gz", "second.csv"]


def test_a_broken_line_is_told(redis_url: str, key_prefix: str, tmp_path: Path) -> None:
    """A broken line is named on standard error, the rest is stored, and the exit status is 3."""
    here = {"redis_url": redis_url, "key_prefix": key_prefix}
    file = tmp_path / "readings.csv"
    file.write_text(_CSV)

    done = run("import", str(file), "--feed", "mine", **here)

    assert done.returncode == 3
    assert "line 3: it has 1 values, and the header 3" in done.stderr
    assert "2 readings: 3 values stored, 0 known before, 1 lines broken." in done.stderr
    out = run("export", "--feed", "mine", "--format", "jsonl", "-o", "-", **here)
    assert out.returncode == 0
    assert out.stdout.splitlines() == [
        f'{{"time":"2021-07-07T12:00:00+00:00","price":34000.5,"sentiment":0.2,{_REST}',
        f'{{"time":"2021-07-07T12:00:30+00:00","price":3.0,"sentiment":null,{_REST}',
    ]


@pytest.mark.anyio
async def test_streams_hear_of_an_import(
    redis: Redis, redis_url: str, key_prefix: str, tmp_path: Path
) -> None:
    """Whoever keeps a copy is told once to fetch it anew, unless nothing was added."""
    file = tmp_path / "readings.csv"
    file.write_text(_CSV)
    for _ in range(2):
        run("import", str(file), "--feed", "mine", redis_url=redis_url, key_prefix=key_prefix)

    [event] = await EventLog(redis, Keys(key_prefix)).newest()

    assert event.kind is EventKind.RESYNC
    assert json.loads(event.data) == {"reason": "many-readings", "feed": "mine"}


def test_nothing_to_export_is_told(redis_url: str, key_prefix: str, tmp_path: Path) -> None:
    """A feed of which nothing was stored is exit status 1 and a sentence, and makes no file."""
    here = {"redis_url": redis_url, "key_prefix": key_prefix}

    done = run("export", "--feed", "nobody", "-o", str(tmp_path / "file"), **here)

    assert done.returncode == 1
    assert "Nothing was ever stored of 'nobody'" in done.stderr
    assert not list(tmp_path.glob("file*"))

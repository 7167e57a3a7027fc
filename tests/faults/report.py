"""Writes what was measured into docs/reliability.md."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.faults.measure import Row

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_HEAD = (
    "| fault | polls | failed | stale | slowest poll | longest silence | streams not told | "
    "repeated | refreshes failed | missing right after | missing after the next refresh | "
    "new reading stored after | normal after |\n|---" + "|---:" * 12 + "|\n"
)


def write_rows(shape: str, rows: Sequence[Row]) -> None:
    """Replace the table of one shape."""
    _replace(shape, _HEAD + "".join(map(_line, rows)))


def write_memory(minutes: float, polls: int, sizes: Sequence[tuple[int, int]]) -> None:
    """Replace what the soak found: resident bytes of each process at its begin and end."""
    told = "; ".join(f"{a / 2**20:.1f} MB → {b / 2**20:.1f} MB" for a, b in sizes)
    _replace("memory", f"{minutes:.0f} minutes, {polls} polls answered, resident memory: {told}.\n")


def _replace(section: str, text: str) -> None:
    page = PAGE.read_text()
    begin, end = f"<!-- {section}: measured -->\n", f"<!-- {section}: end -->"
    assert begin in page
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    PAGE.write_text(re.sub(pattern, lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL))


def _line(row: Row) -> str:
    cells: tuple[object, ...] = (
        *(row.fault, row.polls, row.failed, row.stale),
        *(f"{row.slowest:.2f} s", f"{row.silence:.1f} s", row.untold, row.repeated),
        *(row.refreshes_failed, row.missing, row.missing_later),
        *(f"{row.writes:.1f} s", f"{row.normal:.1f} s"),
    )
    return "| " + " | ".join(map(str, cells)) + " |\n"

"""A benchmark's results: rows for people, JSON for machines."""

import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One claim, and what was measured."""

    what: str
    goal: str
    measured: str
    reached: bool | None
    """None where nothing was promised."""
    counted: bool = False
    """Whether this is a count, which noise cannot excuse."""
    raw: dict[str, Any] = field(default_factory=dict)


def at_least(what: str, goal: float, ratio: float, **raw: Any) -> Row:
    """Report a ratio that should be large."""
    return Row(what, f"≥ {goal:g}", f"{ratio:.2f}", ratio >= goal, raw=raw)


def at_most(what: str, goal: float, ratio: float, **raw: Any) -> Row:
    """Report a ratio that should be small."""
    return Row(what, f"≤ {goal:g}", f"{ratio:.3g}", ratio <= goal, raw=raw)


def exactly(what: str, goal: int, number: int, **raw: Any) -> Row:
    """Report a count."""
    return Row(what, str(goal), str(number), number == goal, counted=True, raw=raw)


def no_more_than(what: str, goal: int, number: int, **raw: Any) -> Row:
    """Report a count that has a limit."""
    return Row(what, f"≤ {goal}", str(number), number <= goal, counted=True, raw=raw)


def show(rows: list[Row]) -> None:
    """Print the table."""
    table = Table("what", "goal", "measured", "", box=None, padding=(0, 2, 0, 0))
    marks = {True: "[green]reached[/green]", False: "[red]missed[/red]", None: "reported"}
    for row in rows:
        table.add_row(row.what, row.goal, row.measured, marks[row.reached])
    Console(width=150).print(table)


def save(rows: list[Row], directory: Path, *, quick: bool) -> Path:
    """Keep everything that was measured."""
    directory.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = directory / f"{now:%Y-%m-%dT%H-%M-%SZ}{'-quick' if quick else ''}.json"
    content = {
        "time": now.isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "python": platform.python_version()},
        "versions": {name: version(name) for name in ("uvicorn", "uvloop", "fastapi", "redis")},
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False))
    return path

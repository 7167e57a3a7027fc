"""Runs the benchmarks: `scripts/bench [--quick] [CELL…]`."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import (
    expiry,
    imports,
    logins,
    memory,
    polls,
    refreshes,
    report,
    snapshots,
    streams,
    workers,
    wrk,
)
from benchmarks.report import Row
from isbitcoinlit import log

CELLS: dict[str, Callable[..., Iterator[Row]]] = {
    "polls": polls.rows,
    "expiry": expiry.rows,
    "refreshes": refreshes.rows,
    "snapshots": snapshots.rows,
    "memory": memory.rows,
    "workers": workers.rows,
    "logins": logins.rows,
    "streams": streams.rows,
    "imports": imports.rows,
}
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, keep; the exit status speaks of counts only, never of times."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute, to see that it works")
    parser.add_argument("cells", nargs="*", metavar="CELL", help=f"of {', '.join(CELLS)}")
    options = parser.parse_args()
    if unknown := set(options.cells) - set(CELLS):
        parser.error(f"there is no cell {', '.join(unknown)}")
    if wrk.missing():
        parser.exit(2, "The load generator wrk is missing: apt install wrk\n")
    log.configure("text", "error")
    rows = []
    for name in options.cells or CELLS:
        for row in CELLS[name](quick=options.quick):
            rows.append(row)
            sys.stderr.write(f"{row.what}: {row.measured} (goal {row.goal})\n")
    report.show(rows)
    sys.stdout.write(f"\nKept in {report.save(rows, RESULTS, quick=options.quick)}\n")
    return int(any(row.counted and not row.reached for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""The same readings in the databases that one would take instead, in files of their own."""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb

Sample = tuple[int, float, float]
"""Milliseconds, price, sentiment."""
Buckets = Callable[[int, int, int], list[tuple[object, ...]]]
"""Averages and counts of both metrics: from, to, length of a bucket, all in milliseconds."""

_QUERY = """
SELECT time - time % ? AS start, avg(price), count(price), avg(sentiment), count(sentiment)
FROM readings WHERE time >= ? AND time < ? GROUP BY start ORDER BY start
"""


def sqlite(path: Path, samples: Iterable[Sample]) -> Buckets:
    """Fill a table that is ordered by time, as SQLite does it best."""
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE readings (time INTEGER PRIMARY KEY, price REAL, sentiment REAL)")
    with database:
        database.executemany("INSERT INTO readings VALUES (?, ?, ?)", samples)
    database.execute("ANALYZE")

    def buckets(begin: int, end: int, width: int) -> list[tuple[object, ...]]:
        return database.execute(_QUERY, (width, begin, end)).fetchall()

    return buckets


def duck(path: Path, table: Path) -> Buckets:
    """Load a CSV, in order of time."""
    database = duckdb.connect(path)
    database.read_csv(str(table), header=True).create("readings")

    def buckets(begin: int, end: int, width: int) -> list[tuple[object, ...]]:
        return list(database.execute(_QUERY, (width, begin, end)).fetchall())

    return buckets

"""How far each observer has read each log file, in the database beside what it has noted.

A place belongs to a file's logical name and its first line's identity, so it survives gzip and
erasure, and a new file under an old name is read from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from runtime.steward.state import Connection

TABLES = """
CREATE TABLE IF NOT EXISTS cursors (
    observer TEXT NOT NULL,
    task TEXT NOT NULL,
    file TEXT NOT NULL,
    identity TEXT NOT NULL,
    day TEXT NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (observer, task, file, identity)
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class FileKey:
    """One log file of one task. `identity` is what its first line says it is."""

    task: str
    file: str
    identity: str
    day: date


def read_offsets(connection: Connection, key: FileKey, observers: Iterable[str]) -> dict[str, int]:
    """Where each observer is in a file: bytes of content (uncompressed), 0 for not begun."""
    rows = connection.execute(
        "SELECT observer, offset FROM cursors WHERE task = ? AND file = ? AND identity = ?",
        (key.task, key.file, key.identity),
    )
    found = {row["observer"]: row["offset"] for row in rows}
    return {name: found.get(name, 0) for name in observers}


def move(connection: Connection, key: FileKey, observer: str, offset: int) -> None:
    """Put an observer's place in a file at `offset`."""
    connection.execute(
        "INSERT INTO cursors VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET offset = excluded.offset",
        (observer, key.task, key.file, key.identity, key.day.isoformat(), offset),
    )


def slowest_offset(connection: Connection, key: FileKey, observers: Iterable[str]) -> int:
    """How far all of `observers` have read a file."""
    return min(read_offsets(connection, key, observers).values(), default=0)


def forget(connection: Connection, before: date) -> int:
    """Remove the places in files of days before `before`; returns how many."""
    return connection.execute("DELETE FROM cursors WHERE day < ?", (before.isoformat(),)).rowcount

"""How far each observer has read each log file, in the database beside what it has noted.

A place belongs to a file's logical name and its first line's identity, so it survives gzip and
erasure, and a new file under an old name is read from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from runtime.data_dir import DataDir
from runtime.datasets.log_files import COMPRESSED
from runtime.steward.state import Connection, State

DAYS_TO_REMEMBER = 90

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


def forget_gone(state: State, data_dir: DataDir, today: date) -> int:
    """Remove the places in files that are gone and whose day is long past; returns how many.

    A file that is only away for a while (a volume that was not there) is still known after it.
    """
    before = (today - timedelta(days=DAYS_TO_REMEMBER)).isoformat()
    rows = state.connection.execute(
        "SELECT DISTINCT task, file FROM cursors WHERE day < ?", (before,)
    ).fetchall()
    gone = [
        (row["task"], row["file"])
        for row in rows
        if not any(
            data_dir.executions(row["task"]).joinpath(row["file"] + suffix).exists()
            for suffix in ("", COMPRESSED)
        )
    ]
    with state.transaction() as connection:
        connection.executemany("DELETE FROM cursors WHERE task = ? AND file = ?", gone)
    return len(gone)

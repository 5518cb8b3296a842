"""A number in the database that changes when places in the log were changed from outside, so that
a steward at work forgets what it holds in memory and looks again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from runtime.steward.state import Connection

TABLES = """
CREATE TABLE IF NOT EXISTS epoch (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL)
"""


def read_epoch(connection: Connection) -> int:
    """The number now."""
    row = connection.execute("SELECT number FROM epoch").fetchone()
    return row[0] if row else 0


def read_anew(connection: Connection, observer: str, task: str, days: Sequence[date]) -> None:
    """Have an observer read the files of some days from their beginning. The caller removes
    what it has noted of them, in the same transaction."""
    connection.executemany(
        "DELETE FROM cursors WHERE observer = ? AND task = ? AND day = ?",
        [(observer, task, day.isoformat()) for day in days],
    )
    connection.execute(
        "INSERT INTO epoch VALUES (1, 1) ON CONFLICT DO UPDATE SET number = number + 1"
    )

"""The last minutes of each task in the database: how many, how many failed, how long they took.

Counts belong to the minute an execution ended in, whenever its line is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from runtime.datasets.sketch import QuantileSketch
from runtime.steward.observer import Record
from runtime.steward.state import Connection

TABLES = """
CREATE TABLE IF NOT EXISTS alert_minutes (
    task TEXT NOT NULL,
    minute TEXT NOT NULL,
    executions INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    timeouts INTEGER NOT NULL,
    latency TEXT NOT NULL,
    PRIMARY KEY (task, minute)
) WITHOUT ROWID
"""


@dataclass
class Minutes:
    """Sums over some minutes. Latency in milliseconds."""

    executions: int = 0
    errors: int = 0
    timeouts: int = 0
    latency: QuantileSketch = field(default_factory=QuantileSketch)

    def add(self, record: Record) -> None:
        status = record.get("status", "success")
        self.executions += 1
        self.errors += status == "error"
        self.timeouts += status == "timeout"
        latency = record.get("latency_ms")
        if isinstance(latency, int | float):
            self.latency.add(latency)

    def merge(self, other: Minutes) -> None:
        self.executions += other.executions
        self.errors += other.errors
        self.timeouts += other.timeouts
        self.latency.merge(other.latency)


def count(connection: Connection, task: str, records: Sequence[Record], since: datetime) -> None:
    """Add executions to their minutes; those that ended before `since` are of no interest."""
    first = _minute(since)
    found: dict[str, Minutes] = {}
    for record in records:
        minute = record["timestamp"][:16]
        if minute >= first:
            found.setdefault(minute, Minutes()).add(record)
    for minute, minutes in found.items():
        row = connection.execute(
            "SELECT * FROM alert_minutes WHERE task = ? AND minute = ?", (task, minute)
        ).fetchone()
        if row is not None:
            minutes.merge(_minutes(row))
        connection.execute(
            "INSERT OR REPLACE INTO alert_minutes VALUES (?, ?, ?, ?, ?, ?)",
            (
                task,
                minute,
                minutes.executions,
                minutes.errors,
                minutes.timeouts,
                msgspec.json.encode(minutes.latency.as_json()).decode(),
            ),
        )


def sums(connection: Connection, moment: datetime, window: timedelta) -> dict[str, Minutes]:
    """Each task's sums over the minutes that `window` reaches back from `moment`."""
    found: dict[str, Minutes] = {}
    rows = connection.execute(
        "SELECT * FROM alert_minutes WHERE minute > ? AND minute <= ?",
        (_minute(moment - window), _minute(moment)),
    )
    for row in rows:
        found.setdefault(row["task"], Minutes()).merge(_minutes(row))
    return found


def forget(connection: Connection, before: datetime) -> None:
    """Remove what is older than `before`."""
    connection.execute("DELETE FROM alert_minutes WHERE minute < ?", (_minute(before),))


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def _minutes(row: Any) -> Minutes:
    sketch = QuantileSketch.from_json(msgspec.json.decode(row["latency"]))
    return Minutes(row["executions"], row["errors"], row["timeouts"], sketch)

"""Drift sketches of each hour of each task in the database, and what they say against examples.

An hour is of the file's day and the line's own time; hours are added up as they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from runtime.datasets.drift_sketch import DriftSketch
from runtime.models import TaskSpecification
from runtime.steward.observer import Record
from runtime.steward.state import Connection

TABLES = """
CREATE TABLE IF NOT EXISTS drift_hours (
    task TEXT NOT NULL,
    day TEXT NOT NULL,
    hour TEXT NOT NULL,
    sketch TEXT NOT NULL,
    PRIMARY KEY (task, day, hour)
) WITHOUT ROWID
"""
PLACE = "drift_hours.sketch"
WINDOW_HOURS = 24


def sketch_of(records: Iterable[Record]) -> DriftSketch:
    """The sketch of executions; erased ones are left out."""
    sketch = DriftSketch()
    for record in records:
        add_record(sketch, record)
    return sketch


def add_record(sketch: DriftSketch, record: Record) -> None:
    """Count one execution, unless it was erased."""
    if not record.get("erased"):
        failed = record.get("status", "success") != "success"
        sketch.add(record.get("input"), record.get("output"), failed=failed)


def sketch_of_examples(task: TaskSpecification) -> DriftSketch:
    """The sketch of what the program is made from."""
    sketch = DriftSketch()
    for example in task.examples:
        sketch.add(example.input, example.output)
    return sketch


def count(connection: Connection, task: str, day: date, records: Sequence[Record]) -> None:
    """Add executions to their hours."""
    by_hour: dict[str, list[Record]] = {}
    for record in records:
        by_hour.setdefault(record["timestamp"][:13], []).append(record)
    for hour, found in by_hour.items():
        sketch = sketch_of(found)
        key = (task, day.isoformat(), hour)
        row = connection.execute(
            "SELECT sketch FROM drift_hours WHERE task = ? AND day = ? AND hour = ?", key
        ).fetchone()
        if row is not None:
            kept = _sketch(row, connection)
            kept.merge(sketch)
            sketch = kept
        text = connection.values.seal(msgspec.json.encode(sketch.as_json()).decode(), PLACE)
        connection.execute("INSERT OR REPLACE INTO drift_hours VALUES (?, ?, ?, ?)", (*key, text))


def recent(connection: Connection, task: str, moment: datetime) -> DriftSketch:
    """The sketch of the last 24 hours."""
    first = (moment - timedelta(hours=WINDOW_HOURS)).strftime("%Y-%m-%dT%H")
    return _added(
        connection,
        connection.execute(
            "SELECT sketch FROM drift_hours WHERE task = ? AND hour > ? ORDER BY hour",
            (task, first),
        ),
    )


def of_day(connection: Connection, task: str, day: date) -> DriftSketch:
    """The sketch of one day's files."""
    return _added(
        connection,
        connection.execute(
            "SELECT sketch FROM drift_hours WHERE task = ? AND day = ? ORDER BY hour",
            (task, day.isoformat()),
        ),
    )


def forget(connection: Connection, before: date) -> None:
    """Remove the hours of days before `before`."""
    connection.execute("DELETE FROM drift_hours WHERE day < ?", (before.isoformat(),))


def _added(connection: Connection, rows: Iterable[Any]) -> DriftSketch:
    total = DriftSketch()
    for row in rows:
        total.merge(_sketch(row, connection))
    return total


def _sketch(row: Any, connection: Connection) -> DriftSketch:
    text = connection.values.open(row["sketch"], PLACE)
    return DriftSketch.from_json(msgspec.json.decode(text))

"""Keeps each day's statistics and drift up to date as the steward reads, without reading a day
twice. The sums stand in the database with its place in the log; the files are written from them.

What it writes is what `runtime.datasets.rollup` derives from the log, so files may be deleted.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from runtime.clock import format_time
from runtime.datasets import drift_hours
from runtime.datasets.drift import Drift, compare
from runtime.datasets.drift_sketch import DriftSketch
from runtime.datasets.execution_stats import ExecutionLine, ExecutionStats
from runtime.datasets.rollup import DayFigures, add_validations, write_day
from runtime.encryption.values import write_document
from runtime.models import FORMAT_VERSION
from runtime.steward.cursors import TABLES as CURSORS
from runtime.steward.observer import Batch, StewardContext
from runtime.steward.state import Connection
from runtime.steward.task_cache import TaskCache

TABLES = """
CREATE TABLE IF NOT EXISTS day_sums (
    task TEXT NOT NULL,
    day TEXT NOT NULL,
    sums TEXT NOT NULL,
    changed INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (task, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS day_seconds (
    task TEXT NOT NULL,
    day TEXT NOT NULL,
    second TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (task, day, second)
) WITHOUT ROWID
"""
PLACE = "day_sums.sums"
SECONDS_BETWEEN_FILES = 10.0
KEEP_DAYS = 3
#: Days are forgotten only once no line of such a day has come for so long: a log that lay there
#: before the steward did is read in many turns.
QUIET = timedelta(hours=1)
KEPT_IN_MEMORY = 50

logger = logging.getLogger("loopai.steward")


class StatisticsObserver:
    """See `runtime.steward.observer.LogObserver`."""

    name = "statistics"
    tables = ";".join((TABLES, CURSORS, drift_hours.TABLES))
    #: Its sums are large to write: once it has read everything it waits a while for more.
    rests_seconds = 2.0

    def __init__(self, context: StewardContext) -> None:
        self._context = context
        self._tasks = TaskCache(context.data_dir, with_examples=True)
        self._references: dict[str, tuple[object, DriftSketch]] = {}
        self._sums: dict[tuple[str, date], ExecutionStats] = {}
        self._next_files: datetime | None = None
        #: Since when no line of a day came that would be forgotten; at most since the start.
        self._quiet_since = context.clock()

    def observe(self, task: str, records: Batch, transaction: Connection) -> None:
        moment = self._context.clock()
        if records.day < moment.date() - timedelta(days=KEEP_DAYS):
            self._quiet_since = moment
        sums = self._sums_of(task, records.day, transaction)
        seconds: Counter[str] = Counter()
        sound = []
        for record in records:
            try:
                line = msgspec.convert(record, ExecutionLine)
            except msgspec.ValidationError:
                sums.malformed_lines += 1
                continue
            sums.add(line)
            sound.append(record)
            seconds[line.timestamp[:19]] += 1
        sums.malformed_lines += records.malformed
        key = (task, records.day.isoformat())
        transaction.executemany(
            "INSERT INTO day_seconds VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(*key, second, count) for second, count in seconds.items()],
        )
        whole = sums.as_json(whole=True)
        transaction.execute(
            "INSERT OR REPLACE INTO day_sums VALUES (?, ?, ?, 1)",
            (*key, transaction.values.seal(msgspec.json.encode(whole).decode(), PLACE)),
        )
        drift_hours.count(transaction, task, records.day, sound)

    def tick(self, moment: datetime) -> None:
        """Write the files of days that have changed, now and then."""
        if self._next_files is not None and _is_ahead(self._next_files, moment):
            return
        self._next_files = moment + timedelta(seconds=SECONDS_BETWEEN_FILES)
        connection = self._context.state.connection
        changed = connection.execute("SELECT task, day FROM day_sums WHERE changed").fetchall()
        for row in changed:
            self._write(row["task"], date.fromisoformat(row["day"]), moment)
        for task in {row["task"] for row in changed}:
            self._write_drift(task, moment)
        if not self._quiet_since <= moment < self._quiet_since + QUIET:
            self._forget(moment.date() - timedelta(days=KEEP_DAYS))

    def rolled_back(self) -> None:
        self._sums.clear()

    def close(self) -> None:
        """There is nothing to end."""

    def drift_of(self, task: str, sketch: DriftSketch) -> Drift:
        """A sketch against the task's examples."""
        specification = self._tasks.get(task)
        known = self._references.get(task)
        if known is None or known[0] is not specification:
            made = drift_hours.sketch_of_examples(specification) if specification else DriftSketch()
            known = self._references[task] = (specification, made)
        return compare(known[1], sketch)

    def _sums_of(self, task: str, day: date, connection: Connection) -> ExecutionStats:
        known = self._sums.get((task, day))
        if known is None:
            known = read_sums(connection, task, day)
            while len(self._sums) >= KEPT_IN_MEMORY:
                del self._sums[next(iter(self._sums))]
            self._sums[task, day] = known
        return known

    def _write(self, task: str, day: date, moment: datetime) -> None:
        data_dir = self._context.data_dir
        key = (task, day.isoformat())
        with self._context.state.snapshot() as connection:
            sums = read_sums(connection, task, day)
            sketch = drift_hours.of_day(connection, task, day)
            log_bytes = bytes_read(connection, task, day)
        validation_bytes = add_validations(data_dir, task, day, sums)
        drift = self.drift_of(task, sketch)
        write_day(data_dir, DayFigures(task, day, sums, drift, log_bytes, validation_bytes))
        with self._context.state.transaction() as connection:
            # What was added meanwhile is for the next time: only this thread adds.
            connection.execute("UPDATE day_sums SET changed = 0 WHERE task = ? AND day = ?", key)

    def _write_drift(self, task: str, moment: datetime) -> None:
        sketch = drift_hours.recent(self._context.state.connection, task, moment)
        drift = self.drift_of(task, sketch)
        data: dict[str, Any] = {
            "v": FORMAT_VERSION,
            "task": task,
            "at": format_time(moment),
            "hours": drift_hours.WINDOW_HOURS,
            **drift.as_json(),
        }
        file = self._context.data_dir.analytics(task) / "drift.json"
        write_document(file, msgspec.json.encode(data), durable=False)

    def _forget(self, before: date) -> None:
        with self._context.state.transaction() as connection:
            drift_hours.forget(connection, before)
            for table in ("day_sums", "day_seconds"):
                connection.execute(
                    f"DELETE FROM {table} WHERE day < ?",  # noqa: S608 - the two names above
                    (before.isoformat(),),
                )


def read_sums(connection: Connection, task: str, day: date) -> ExecutionStats:
    """A day's sums as far as it has been read."""
    key = (task, day.isoformat())
    row = connection.execute("SELECT sums FROM day_sums WHERE task = ? AND day = ?", key).fetchone()
    if row is None:
        return ExecutionStats(seconds=False)
    text = connection.values.open(row["sums"], PLACE)
    sums = ExecutionStats.from_json(msgspec.json.decode(text))
    # Writers' files are read one after the other: the busiest second is known only from all.
    peak = connection.execute(
        "SELECT second, count FROM day_seconds WHERE task = ? AND day = ? "
        "ORDER BY count DESC, second LIMIT 1",
        key,
    ).fetchone()
    if peak is not None:
        sums.peak_per_second, sums.peak_at = peak["count"], f"{peak['second']}Z"
    return sums


def bytes_read(connection: Connection, task: str, day: date) -> int:
    """Bytes of a day's log that are in its sums."""
    row = connection.execute(
        "SELECT coalesce(sum(offset), 0) FROM cursors WHERE observer = ? AND task = ? AND day = ?",
        (StatisticsObserver.name, task, day.isoformat()),
    ).fetchone()
    return int(row[0])


def _is_ahead(due: datetime, moment: datetime) -> bool:
    """Whether `due` is still to come, and not only because the clock was set back."""
    return moment < due <= moment + timedelta(minutes=1)

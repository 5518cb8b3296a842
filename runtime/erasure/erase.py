"""Erases a person's records from the logs, the queue of samples, the examples and what is derived.

In a log a line becomes a tombstone of the same length, in place, so nothing that is being written
stops and no reader loses its place; statistics of its day are then read anew. Killed anywhere, the
same command finishes the work. The audit log says that it was done and how much, not to whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from runtime.data_dir import DataDir, write_atomic
from runtime.datasets.content_lock import overwriting
from runtime.datasets.drift_hours import TABLES as DRIFT
from runtime.datasets.log_files import QUARANTINE, LogFile
from runtime.datasets.rollup import write_daily_stats
from runtime.erasure.audit import append_audit, has_unfinished_erasure
from runtime.erasure.condition import Condition, all_hold
from runtime.erasure.log_lines import (
    FoundLine,
    erase_in_compressed,
    erase_in_place,
    erase_raw,
    holding_folder,
    lines_of,
)
from runtime.erasure.search import (
    Progress,
    example_lines,
    find_lines,
    find_samples,
    is_example_meant,
)
from runtime.retention.inventory import KINDS, log_folder
from runtime.retention.run import retention_lock
from runtime.sampling.observer import TABLES as SAMPLERS
from runtime.steward.cursors import TABLES as CURSORS
from runtime.steward.epoch import TABLES as EPOCH
from runtime.steward.epoch import read_anew
from runtime.steward.lock import hold_lock
from runtime.steward.samples import TABLES as SAMPLES
from runtime.steward.samples import delete_samples
from runtime.steward.state import Connection, open_state, state_file
from runtime.steward.statistics import TABLES as STATISTICS
from runtime.steward.statistics import StatisticsObserver

#: Further tables that hold a record by its `execution_id`.
BY_EXECUTION = ("labels", "validation_tries")


@dataclass
class Erased:
    """How many were erased of each kind, and the days whose figures were derived again."""

    executions: int = 0
    validations: int = 0
    samples: int = 0
    examples: int = 0
    torn_lines: int = 0
    days: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.executions + self.validations + self.samples + self.examples + self.torn_lines

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def erase(
    data_dir: DataDir,
    task: str,
    conditions: Sequence[Condition],
    moment: datetime,
    progress: Progress = lambda text: None,
) -> Erased:
    """Erase what is meant; the examples file too, so that the next program forgets it as well.

    Programs that were made already are not changed. Raises LoopaiError, OSError, sqlite3.Error.
    """
    erased = Erased()
    busy = "another run of retention or erasure is under way."
    with hold_lock(retention_lock(data_dir), busy):
        unfinished = has_unfinished_erasure(data_dir, task)
        where = [condition.hidden() for condition in conditions]
        append_audit(data_dir, "erasure begun", moment, task=task, where=where)
        names: set[str] = {
            sample["execution_id"] for sample in find_samples(data_dir, task, conditions)
        }
        days: set[date] = set()
        for kind, file, lines in find_lines(data_dir, task, conditions, progress):
            if unfinished:  # of the erasure before: its files are done, its database is not
                lines_gone = [found for found in lines_of(file) if found.record.get("erased")]
                names |= _ids(lines_gone)
                days |= {file.day} if lines_gone else set()
            if not lines:
                continue
            _erase_lines(data_dir, task, file, lines, conditions)
            names |= _ids(lines)
            days.add(file.day)
            setattr(erased, kind, getattr(erased, kind) + len(lines))
        erased.torn_lines = _erase_torn(data_dir, task, conditions)
        erased.examples = _erase_examples(data_dir, task, conditions)
        if state_file(data_dir).exists():
            erased.samples = _erase_in_database(data_dir, task, sorted(names), sorted(days))
        (data_dir.analytics(task) / "drift.json").unlink(missing_ok=True)
        for day in sorted(days):
            if day < moment.date():
                progress(f"statistics of {day}")
                write_daily_stats(data_dir, task, day)
            else:  # it grows: derived when it is next asked for, or by the steward
                data_dir.daily_stats_file(task, day).unlink(missing_ok=True)
        erased.days = [day.isoformat() for day in sorted(days)]
        append_audit(
            data_dir, "erasure done", moment, task=task, where=where, erased=erased.as_json()
        )
    return erased


def _erase_lines(
    data_dir: DataDir,
    task: str,
    file: LogFile,
    lines: list[FoundLine],
    conditions: Sequence[Condition],
) -> None:
    if file.compressed:
        erase_in_compressed(file, lambda record: all_hold(conditions, record))
    elif file.path.parent == data_dir.validations(task):
        with holding_folder(file.path.parent), overwriting(data_dir):
            erase_in_place(file, lines)
    else:
        with overwriting(data_dir):
            erase_in_place(file, lines)
        # Where compression was interrupted, an older copy stands beside it.
        copy = file.path.with_name(file.path.name + ".gz")
        if copy.exists():
            beside = LogFile(copy, file.day, file.writer)
            erase_in_compressed(beside, lambda record: all_hold(conditions, record))


def _erase_torn(data_dir: DataDir, task: str, conditions: Sequence[Condition]) -> int:
    """A torn line is no record: it goes when it holds the texts that are looked for."""
    needles = [msgspec.json.encode(condition.value)[1:-1].lower() for condition in conditions]
    return sum(
        erase_raw(path, needles)
        for kind, _ in KINDS
        for path in log_folder(data_dir, task, kind).glob("*" + QUARANTINE)
    )


def _erase_examples(data_dir: DataDir, task: str, conditions: Sequence[Condition]) -> int:
    lines = example_lines(data_dir, task)
    kept = [line for line in lines if not is_example_meant(line, conditions)]
    if len(kept) < len(lines):
        write_atomic(data_dir.examples_file(task), b"".join(kept))
    return len(lines) - len(kept)


def _erase_in_database(data_dir: DataDir, task: str, names: list[str], days: list[date]) -> int:
    tables = ";".join((CURSORS, EPOCH, SAMPLES, SAMPLERS, STATISTICS, DRIFT))
    with open_state(data_dir, tables) as state:
        # Freed pages are overwritten, so that nothing can be read out of the file.
        state.connection.execute("PRAGMA secure_delete = ON")
        with state.transaction() as connection:
            count = delete_samples(connection, names)
            _delete_by_execution(connection, names)
            # What the sampler has learnt holds outputs that it has seen.
            connection.execute("DELETE FROM sampler_states WHERE task = ?", (task,))
            for table in ("day_sums", "day_seconds", "drift_hours"):
                connection.executemany(
                    f"DELETE FROM {table} WHERE task = ? AND day = ?",  # noqa: S608
                    [(task, day.isoformat()) for day in days],
                )
            read_anew(connection, StatisticsObserver.name, task, days)
        state.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return count


def _delete_by_execution(connection: Connection, names: list[str]) -> None:
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    for table in BY_EXECUTION:
        if table in there:
            connection.executemany(
                f"DELETE FROM {table} WHERE execution_id = ?",  # noqa: S608 - the names above
                [(name,) for name in names],
            )


def _ids(lines: Sequence[FoundLine]) -> set[str]:
    names = (found.record.get("execution_id") for found in lines)
    return {name for name in names if isinstance(name, str)}

"""Answers become lines of `sampled-<day>.jsonl`: each execution once, whoever is killed when.

The steward and `loopai label` both settle, one at a time, under a lock on the folder. A line is
announced in the database before it is written and the sample is done after: what was announced
by somebody who died is looked for in the files first.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec

from runtime.clock import format_time
from runtime.data_dir import DataDir, make_folder
from runtime.datasets.log import ExecutionLog
from runtime.datasets.reader import LogReader
from runtime.models import ExecutionStatus, ValidationRecord
from runtime.steward import samples
from runtime.steward.samples import Sample
from runtime.steward.state import State
from runtime.validation import queue
from runtime.validation.comparison import Comparison, Comparisons

logger = logging.getLogger("loopai.validation")

PREFIX = "sampled-"
# The same execution gets the same validation id, however often it is tried.
NAMESPACE = UUID("5b0a2c1e-6f0b-5d0a-9d6c-3a7d1f0f2a11")


@dataclass(frozen=True, slots=True)
class Answered:
    """One sample and what an oracle says of it; `cost` in `prices.currency`."""

    sample: Sample
    oracle: str
    output: Any
    comparison: Comparison
    cost: float = 0.0
    latency_ms: float = 0.0


def compared(
    comparisons: Comparisons,
    sample: Sample,
    oracle: str,
    output: Any,
    cost: float = 0.0,
    latency_ms: float = 0.0,
) -> Answered:
    """An oracle's output beside the program's. A program that failed matches nothing.

    Raises OracleError as comparators do.
    """
    if sample.status == ExecutionStatus.SUCCESS:
        comparison = comparisons.compare(output, sample.output)
    else:
        comparison = Comparison(False, 0.0, "exact")
    return Answered(sample, oracle, output, comparison, cost, latency_ms)


def settle(
    data_dir: DataDir, state: State, task: str, answered: Iterable[Answered], moment: datetime
) -> int:
    """Write the answers of one task that are not settled yet; returns how many were.

    Raises OSError and LoopaiError when the disk refuses: they wait as before.
    """
    by_id = {answer.sample.execution_id: answer for answer in answered}
    if not by_id:
        return 0
    folder = data_dir.validations(task)
    with _locked(folder):
        waiting = _still_waiting(state, by_id)
        _finish_announced(folder, state, waiting, moment)
        answers = [by_id[name] for name in waiting if not _is_done(state, name)]
        if not answers:
            return 0
        lines: dict[str, bytes] = {}
        for answer in answers:
            try:
                lines[answer.sample.execution_id] = _line(answer, moment)
            except ValueError as error:  # a log from elsewhere, with ids that are no UUID
                logger.error("%s cannot be validated: %s", answer.sample.execution_id, error)
        if len(lines) < len(answers):
            skip(state, [name for name in waiting if name not in lines], moment)
        with state.transaction() as connection:
            for name in lines:
                queue.note_tries(connection, by_id[name].sample, 0, "writing")
        log = ExecutionLog(folder, durability="disk", clock=lambda: moment, prefix=PREFIX)
        try:
            log.append(list(lines.values()), moment)
        finally:
            log.close()
        _mark_done(state, list(lines), moment)
    return len(answers)


def skip(state: State, execution_ids: Sequence[str], moment: datetime) -> None:
    """Settle samples without an answer."""
    with state.transaction() as connection:
        for name in execution_ids:
            samples.mark_skipped(connection, name, moment)
        queue.forget_settled(connection)


def recover(data_dir: DataDir, state: State, task: str, moment: datetime) -> int:
    """Mark as done what stands in the files already, after a crash or a power cut."""
    folder = data_dir.validations(task)
    if not folder.is_dir():
        return 0
    with _locked(folder):
        rows = state.connection.execute(
            "SELECT execution_id, executed_at FROM samples WHERE task = ? AND state = 'waiting'",
            (task,),
        ).fetchall()
        if not rows:
            return 0
        oldest = _day(min(row[1] for row in rows))
        written = written_ids(folder, oldest) & {row[0] for row in rows}
        _mark_done(state, sorted(written), moment)
    return len(written)


def written_ids(folder: Path, first: date | None = None) -> set[str]:
    """The executions that have a line in the files from a day on."""
    reader = LogReader(folder, prefix=PREFIX)
    return {str(record.get("execution_id")) for record in reader.records(first)}


def read_validations(
    data_dir: DataDir, task: str, first: date | None = None, last: date | None = None
) -> Iterator[dict[str, Any]]:
    """The lines of some days as JSON objects, in time order, each execution once."""
    seen: set[str] = set()
    for record in LogReader(data_dir.validations(task), prefix=PREFIX).records(first, last):
        name = str(record.get("execution_id"))
        if name not in seen:
            seen.add(name)
            yield record


def _still_waiting(state: State, names: Iterable[str]) -> list[str]:
    found = ((name, samples.find_sample(state.connection, name)) for name in names)
    return [name for name, sample in found if sample is not None and sample.state == "waiting"]


def _is_done(state: State, name: str) -> bool:
    sample = samples.find_sample(state.connection, name)
    return sample is None or sample.state != "waiting"


def _finish_announced(folder: Path, state: State, names: Sequence[str], moment: datetime) -> None:
    rows = state.connection.execute(
        "SELECT t.execution_id, s.executed_at FROM validation_tries t JOIN samples s "
        "USING (execution_id) WHERE t.state = 'writing'"
    ).fetchall()
    announced = {row[0]: row[1] for row in rows if row[0] in set(names)}
    if announced:
        written = written_ids(folder, _day(min(announced.values())))
        _mark_done(state, sorted(written & announced.keys()), moment)


def _mark_done(state: State, names: Sequence[str], moment: datetime) -> None:
    with state.transaction() as connection:
        for name in names:
            samples.mark_done(connection, name, moment)
            for table in ("labels", "validation_tries"):
                statement = f"DELETE FROM {table} WHERE execution_id = ?"  # noqa: S608
                connection.execute(statement, (name,))


def _line(answer: Answered, moment: datetime) -> bytes:
    sample = answer.sample
    record = ValidationRecord(
        id=uuid5(NAMESPACE, sample.execution_id),
        execution_id=UUID(sample.execution_id),
        program_id=f"{sample.task}/v{sample.program_version}",
        program_version=sample.program_version,
        strategy=sample.strategy,
        inclusion_probability=sample.inclusion_probability,
        input=sample.input,
        output=sample.output,
        status=ExecutionStatus(sample.status),
        confidence=sample.confidence,
        executed_at=sample.executed_at,
        oracle=answer.oracle,
        oracle_output=answer.output,
        oracle_cost=answer.cost,
        oracle_latency_ms=round(answer.latency_ms, 3),
        match=answer.comparison.match,
        similarity_score=round(min(1.0, max(0.0, answer.comparison.similarity)), 6),
        comparison_method=answer.comparison.method,
        validated_at=moment,
        timestamp=format_time(moment),
    )
    data = record.model_dump(mode="json")
    data["validated_at"] = record.timestamp
    return msgspec.json.encode(data)


def _day(timestamp: str) -> date | None:
    try:
        return date.fromisoformat(timestamp[:10])
    except ValueError:
        return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One who settles at a time, over all processes."""
    make_folder(folder)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

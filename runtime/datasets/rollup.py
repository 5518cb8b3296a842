"""Daily statistics: derived from the log to the byte, so they may be deleted at any time.

Figures are exact but for percentiles (within 0.4 %) and for values beyond the most frequent;
`relative_error` and `values_error` in the file say by how much. Never changes the log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from runtime.clock import utc_now
from runtime.data_dir import DataDir
from runtime.datasets.drift import Drift, compare
from runtime.datasets.drift_hours import add_record, sketch_of_examples
from runtime.datasets.drift_sketch import DriftSketch
from runtime.datasets.execution_stats import ExecutionLine, ExecutionStats, ValidationLine
from runtime.datasets.log_files import SIZE_MODULUS, content_size, list_log_files
from runtime.datasets.reader import LogReader
from runtime.encryption.values import read_document, write_document
from runtime.errors import LoopaiError
from runtime.format_version import check_format
from runtime.models import FORMAT_VERSION
from runtime.tasks import load_task

VALIDATIONS = "sampled-"


@dataclass(frozen=True)
class DayFigures:
    """One day of a task; the bytes are of the log and the validations that are in the figures."""

    task: str
    day: date
    sums: ExecutionStats
    drift: Drift
    log_bytes: int
    validation_bytes: int


def daily_stats(data_dir: DataDir, task: str, day: date) -> dict[str, Any]:
    """The statistics of one day, from its log. Raises OSError when the folder is unreadable."""
    return _describe(_from_log(data_dir, task, day))


def write_daily_stats(data_dir: DataDir, task: str, day: date) -> Path:
    """Derive and write `daily-stats-<day>.json`; returns its path. Raises OSError."""
    return write_day(data_dir, _from_log(data_dir, task, day))


def write_day(data_dir: DataDir, figures: DayFigures) -> Path:
    """Write `daily-stats-<day>.json` from figures; returns its path. Raises OSError."""
    file = data_dir.daily_stats_file(figures.task, figures.day)
    write_document(file, _encode(_describe(figures)))
    return file


def add_validations(data_dir: DataDir, task: str, day: date, sums: ExecutionStats) -> int:
    """Count what oracles said on a day; returns the bytes of their files.

    Each execution counts once: the last line about it is what holds.
    """
    folder = data_dir.validations(task)
    size = _size(folder, day, VALIDATIONS)
    last: dict[str, ValidationLine] = {}
    for line in LogReader(folder, prefix=VALIDATIONS).read(ValidationLine, day, day):
        last[line.execution_id] = line
    for line in last.values():
        if 0 < line.inclusion_probability <= 1:
            sums.add_validation(line)
    return size


def keep_figures(data_dir: DataDir, task: str, day: date) -> None:
    """See to it that a day's figures are written before its files go. Raises OSError."""
    _day_stats(data_dir, task, day, date.max)


def days_with_executions(data_dir: DataDir, task: str) -> list[date]:
    """The days that have a log or kept statistics, oldest first."""
    kept = data_dir.analytics(task).glob("daily-stats-*.json")
    days = {_day_of(path) for path in kept} | set(LogReader(data_dir.executions(task)).days())
    return sorted(day for day in days if day)


def stats(
    data_dir: DataDir, task: str, days: Sequence[date], today: date | None = None
) -> dict[str, Any]:
    """Several days as one, with a short line for each.

    Each day's file is written on the way. One before `today` (default: the day it is, in UTC)
    is read from its file unless that is out of date; where its log is gone (retention), it
    keeps its figures.
    """
    today = today or utc_now().date()
    total = ExecutionStats()
    by_day: list[dict[str, Any]] = []
    for day in days:
        data = _day_stats(data_dir, task, day, today)
        total.merge(ExecutionStats.from_json(data))
        short = ("day", "executions", "status", "latency_ms", "throughput", "malformed_lines")
        by_day.append({key: data[key] for key in short} | _by_day_more(data))
    return {
        "v": FORMAT_VERSION,
        "task": task,
        "days": [day.isoformat() for day in days],
        **total.as_json(),
        "by_day": by_day,
    }


def _by_day_more(data: dict[str, Any]) -> dict[str, Any]:
    """Of one day: agreement with the oracle, the versions, and how far it has drifted."""
    more: dict[str, Any] = {"agreement": data.get("agreement"), "drift": data.get("drift")}
    more["versions"] = {
        name: {key: value for key, value in version.items() if key != "sketch"}
        for name, version in data["versions"].items()
    }
    return more


def _day_stats(data_dir: DataDir, task: str, day: date, today: date) -> dict[str, Any]:
    has_log = bool(list_log_files(data_dir.executions(task), day, day))
    kept = _read_kept(data_dir.daily_stats_file(task, day), has_log)
    if kept is not None:
        read = (kept["log_bytes"], kept.get("validation_bytes", 0))
        there = (
            _log_size(data_dir, task, day),
            _size(data_dir.validations(task), day, VALIDATIONS),
        )
        # A log only ever shrinks by what was deleted (retention): the figures stay.
        gone = day < today and there[0] < read[0]
        if read == there or gone:
            return kept
    data = daily_stats(data_dir, task, day)
    with contextlib.suppress(OSError):  # a read-only disk still has figures to show
        write_document(data_dir.daily_stats_file(task, day), _encode(data))
    return data


def _from_log(data_dir: DataDir, task: str, day: date) -> DayFigures:
    log_bytes = _log_size(data_dir, task, day)
    reader = LogReader(data_dir.executions(task))
    sums, sketch = ExecutionStats(), DriftSketch()
    for record in reader.records(day, day):
        try:
            sums.add(msgspec.convert(record, ExecutionLine))
        except msgspec.ValidationError:
            sums.malformed_lines += 1
            continue
        add_record(sketch, record)
    sums.malformed_lines += reader.malformed
    validation_bytes = add_validations(data_dir, task, day, sums)
    drift = compare(_reference(data_dir, task), sketch)
    return DayFigures(task, day, sums, drift, log_bytes, validation_bytes)


def _reference(data_dir: DataDir, task: str) -> DriftSketch:
    try:
        return sketch_of_examples(load_task(data_dir, task))
    except LoopaiError:  # said where the task is made or served
        return DriftSketch()


def _describe(figures: DayFigures) -> dict[str, Any]:
    return {
        "v": FORMAT_VERSION,
        "task": figures.task,
        "day": figures.day.isoformat(),
        **figures.sums.as_json(),
        "drift": figures.drift.as_json(),
        "log_bytes": figures.log_bytes % SIZE_MODULUS,
        "validation_bytes": figures.validation_bytes,
    }


def _log_size(data_dir: DataDir, task: str, day: date) -> int:
    """Bytes of the day's log, uncompressed (modulo 4 GB): the same before and after gzip."""
    return _size(data_dir.executions(task), day)


def _size(folder: Path, day: date, prefix: str = "") -> int:
    files = list_log_files(folder, day, day, prefix)
    return sum(content_size(file) for file in files) % SIZE_MODULUS


def _read_kept(file: Path, has_log: bool) -> dict[str, Any] | None:
    """What a daily file holds; None when it is absent or damaged, or of another format and can be
    derived again. Raises InvalidInputError for a later release's whose log is gone."""
    try:
        data = msgspec.json.decode(read_document(file))
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(data, dict):
        return None
    if data.get("v") != FORMAT_VERSION and has_log:
        return None
    check_format(data, file, FORMAT_VERSION)
    return data


def _encode(data: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(data, order="sorted"), indent=2) + b"\n"


def _day_of(path: Path) -> date | None:
    try:
        return date.fromisoformat(path.stem.removeprefix("daily-stats-"))
    except ValueError:
        return None

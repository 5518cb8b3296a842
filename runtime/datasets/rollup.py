"""Daily statistics: derived from the log to the byte, so they may be deleted at any time.

Figures are exact but for percentiles (within 0.4 %) and for values beyond the most frequent;
`relative_error` and `values_error` in the file say by how much. Never changes the log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from runtime.clock import utc_now
from runtime.data_dir import DataDir, write_atomic
from runtime.datasets.execution_stats import ExecutionLine, ExecutionStats
from runtime.datasets.log_files import SIZE_MODULUS, content_size, list_log_files
from runtime.datasets.reader import LogReader
from runtime.models import FORMAT_VERSION


def daily_stats(data_dir: DataDir, task: str, day: date) -> dict[str, Any]:
    """The statistics of one day, from its log. Raises OSError when the folder is unreadable."""
    size = _log_size(data_dir, task, day)
    return _describe(task, day, size, _from_log(data_dir, task, day))


def write_daily_stats(data_dir: DataDir, task: str, day: date) -> Path:
    """Derive and write `daily-stats-<day>.json`; returns its path. Raises OSError."""
    file = data_dir.daily_stats_file(task, day)
    write_atomic(file, _encode(daily_stats(data_dir, task, day)))
    return file


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
        by_day.append({key: data[key] for key in short})
    return {
        "v": FORMAT_VERSION,
        "task": task,
        "days": [day.isoformat() for day in days],
        **total.as_json(),
        "by_day": by_day,
    }


def _day_stats(data_dir: DataDir, task: str, day: date, today: date) -> dict[str, Any]:
    file = data_dir.daily_stats_file(task, day)
    kept = None if day >= today else _read_kept(file)  # today's log grows while it is read
    files = list_log_files(data_dir.executions(task), day, day)
    if kept is not None and (not files or kept["log_bytes"] == _log_size(data_dir, task, day)):
        return kept
    data = daily_stats(data_dir, task, day)
    with contextlib.suppress(OSError):  # a read-only disk still has figures to show
        write_atomic(file, _encode(data))
    return data


def _from_log(data_dir: DataDir, task: str, day: date) -> ExecutionStats:
    reader = LogReader(data_dir.executions(task))
    sums = ExecutionStats()
    for line in reader.read(ExecutionLine, day, day):
        sums.add(line)
    sums.malformed_lines = reader.malformed
    return sums


def _describe(task: str, day: date, size: int, sums: ExecutionStats) -> dict[str, Any]:
    return {
        "v": FORMAT_VERSION,
        "task": task,
        "day": day.isoformat(),
        **sums.as_json(),
        "log_bytes": size,
    }


def _log_size(data_dir: DataDir, task: str, day: date) -> int:
    """Bytes of the day's log, uncompressed (modulo 4 GB): the same before and after gzip."""
    files = list_log_files(data_dir.executions(task), day, day)
    return sum(content_size(file) for file in files) % SIZE_MODULUS


def _read_kept(file: Path) -> dict[str, Any] | None:
    """What a daily file holds; None when it is absent, damaged or of another format."""
    try:
        data = msgspec.json.decode(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(data, dict) or data.get("v") != FORMAT_VERSION:
        return None
    return data


def _encode(data: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(data, order="sorted"), indent=2) + b"\n"


def _day_of(path: Path) -> date | None:
    try:
        return date.fromisoformat(path.stem.removeprefix("daily-stats-"))
    except ValueError:
        return None

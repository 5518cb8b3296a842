"""Decides which log files are compressed and which are deleted. Pure: it touches no file.

A day of a task goes as a whole, oldest first; never today's, never a later one, and never one
with a file that somebody has still to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Literal

Kind = Literal["executions", "validations"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One log file as it lies there. `unread_by` names who has not read it to its end."""

    path: Path
    task: str
    kind: Kind
    day: date
    bytes: int
    compressed: bool
    unread_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """In days. `max_bytes` is for all files together."""

    compress_after: int
    keep_executions: int
    keep_validations: int
    max_bytes: float

    def keep_days(self, kind: Kind) -> int:
        return self.keep_executions if kind == "executions" else self.keep_validations


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do with one file, or why it stays although its time has come."""

    file: StoredFile
    action: Literal["compress", "delete", "keep"]
    reason: str


def plan_compression(files: Iterable[StoredFile], rules: Rules, today: date) -> list[Step]:
    """What is to be compressed: plain files as old as `compress_after` that stay."""
    steps = []
    for file in files:
        age = (today - file.day).days
        if (
            file.compressed
            or age < max(1, rules.compress_after)
            or age > rules.keep_days(file.kind)
        ):
            continue
        if file.unread_by:
            steps.append(Step(file, "keep", _unread((file,))))
        else:
            steps.append(Step(file, "compress", f"{age} day{'s' * (age > 1)} old"))
    return steps


def plan_deletion(
    files: Sequence[StoredFile], rules: Rules, today: date, other_bytes: int = 0
) -> list[Step]:
    """What is to be deleted: what is older than it is kept, then the oldest until all that is
    left, `other_bytes` included, fits in `max_bytes`."""
    steps: list[Step] = []
    total = sum(file.bytes for file in files) + other_bytes
    days = [
        list(group)
        for _, group in groupby(
            sorted(files, key=_age_order), key=attrgetter("day", "task", "kind")
        )
    ]
    for of_day in days:
        first = of_day[0]
        age = (today - first.day).days
        too_old = age > rules.keep_days(first.kind)
        too_much = total > rules.max_bytes
        if age < 1 or not (too_old or too_much):
            continue
        if any(file.unread_by for file in of_day):
            steps += [Step(file, "keep", _unread(of_day)) for file in of_day]
            continue
        reason = f"kept for {rules.keep_days(first.kind)} days"
        if not too_old:
            reason = f"all files together are more than {rules.max_bytes / 1e9:g} GB"
        steps += [Step(file, "delete", reason) for file in of_day]
        total -= sum(file.bytes for file in of_day)
    return steps


def _age_order(file: StoredFile) -> tuple[date, str, str, str]:
    return file.day, file.task, file.kind, file.path.name


def _unread(files: Sequence[StoredFile]) -> str:
    names = sorted({name for file in files for name in file.unread_by})
    return f"not read to its end by {', '.join(names)}"

"""Does what retention plans, one run a data directory at a time, and reports what went.

Statistics of a day are written before its log is deleted, so its figures stay.
"""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from runtime.artifacts import ArtifactStore
from runtime.clock import format_time
from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir, write_atomic
from runtime.datasets.log_files import COMPRESSED, QUARANTINE
from runtime.datasets.rollup import keep_figures
from runtime.errors import LoopaiError
from runtime.models import FORMAT_VERSION
from runtime.retention.compress import compress_log_file
from runtime.retention.inventory import find_files, task_folders
from runtime.retention.plan import Rules, Step, StoredFile, plan_compression, plan_deletion
from runtime.steward.lock import hold_lock

GIGABYTE = 1e9
# What an interrupted write left behind and nobody has touched for so long.
LEFT_OVER_SECONDS = 24 * 3600

logger = logging.getLogger("loopai.retention")


@dataclass
class Outcome:
    """What a run did, or would do. Sizes in bytes, on disk."""

    at: str
    dry_run: bool
    bytes_before: int = 0
    compressed: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[dict[str, Any]] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    bytes_freed: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"v": FORMAT_VERSION, **vars(self)}


def report_file(data_dir: DataDir) -> Path:
    """Where the last run says what it did."""
    return data_dir.state / "retention.json"


def retention_lock(data_dir: DataDir) -> Path:
    """Held by whoever compresses, deletes or erases."""
    return data_dir.state / "retention.lock"


def run_retention(
    data_dir: DataDir, config: DeploymentConfig, moment: datetime, *, dry_run: bool = False
) -> Outcome:
    """Compress, delete and prune what the settings say; in a `dry_run` only say what would go.

    Raises LoopaiError when another run is under way; a file that cannot be dealt with is in
    the outcome's problems, and the others are dealt with all the same.
    """
    outcome = Outcome(format_time(moment), dry_run)
    busy = "another run of retention or erasure is under way."
    with contextlib.nullcontext() if dry_run else hold_lock(retention_lock(data_dir), busy):
        files = find_files(data_dir, config)
        outcome.bytes_before = sum(file.bytes for file in files)
        rules = rules_of(config)
        today = moment.date()
        for step in plan_compression(files, rules, today):
            _compress(data_dir, step, outcome)
        if not dry_run:
            files = find_files(data_dir, config)
        for step in plan_deletion(files, rules, today, _other_bytes(data_dir)):
            _delete(data_dir, step, outcome)
        _prune(data_dir, config, outcome)
        if not dry_run:
            _remove_left_overs(data_dir)
            write_atomic(report_file(data_dir), msgspec.json.encode(outcome.as_json()))
    return outcome


def rules_of(config: DeploymentConfig) -> Rules:
    """The settings in days and bytes."""
    return Rules(
        compress_after=config.retention.executions.compress_after,
        keep_executions=config.executions_keep_days,
        keep_validations=config.validations_keep_days,
        max_bytes=config.storage.max_size_gb * GIGABYTE,
    )


def _compress(data_dir: DataDir, step: Step, outcome: Outcome) -> None:
    file = step.file
    entry = {**_entry(data_dir, file), "reason": step.reason}
    if step.action == "keep":
        outcome.kept.append(entry)
        return
    if outcome.dry_run:
        outcome.compressed.append(entry)
        return
    try:
        size = compress_log_file(file.path)
    except OSError as error:
        outcome.problems.append(f"{entry['file']} cannot be compressed: {error}")
        return
    if size is None:
        outcome.kept.append({**entry, "reason": "a writer has it open"})
        return
    outcome.compressed.append({**entry, "bytes_after": size})
    outcome.bytes_freed += file.bytes - size


def _delete(data_dir: DataDir, step: Step, outcome: Outcome) -> None:
    file = step.file
    entry = {**_entry(data_dir, file), "reason": step.reason}
    if step.action == "keep":
        if entry["file"] not in {kept["file"] for kept in outcome.kept}:
            outcome.kept.append(entry)
        return
    if not outcome.dry_run:
        try:
            # A day's validations are in its figures too.
            keep_figures(data_dir, file.task, file.day)
            for path in (file.path, file.path.with_name(file.path.name + COMPRESSED)):
                path.unlink(missing_ok=True)
            plain = file.path.name.removesuffix(COMPRESSED)
            file.path.with_name(plain + QUARANTINE).unlink(missing_ok=True)
        except (OSError, LoopaiError) as error:
            outcome.problems.append(f"{entry['file']} cannot be deleted: {error}")
            return
    outcome.deleted.append(entry)
    outcome.bytes_freed += file.bytes


def _prune(data_dir: DataDir, config: DeploymentConfig, outcome: Outcome) -> None:
    store = ArtifactStore(data_dir)
    keep = config.retention.artifacts.keep_versions
    for task in data_dir.task_names():
        if not data_dir.artifacts(task).is_dir():
            continue
        try:
            removed = store.prune(task, keep, dry_run=outcome.dry_run)
        except (OSError, LoopaiError) as error:
            outcome.problems.append(f"versions of {task} cannot be removed: {error}")
            continue
        outcome.versions += [{"task": task, "version": version} for version in removed]


def _other_bytes(data_dir: DataDir) -> int:
    """Of what is not deleted here: analytics and torn lines that were set aside."""
    total = 0
    for path in (data_dir.root / "datasets").glob("*/*/*"):
        if path.parent.name == "analytics" or path.name.endswith(QUARANTINE):
            with contextlib.suppress(OSError):
                total += path.stat().st_size
    return total


def _remove_left_overs(data_dir: DataDir) -> None:
    for task in task_folders(data_dir):
        for folder in (data_dir.executions(task), data_dir.validations(task)):
            for path in folder.glob(".*.jsonl.gz.*"):
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > LEFT_OVER_SECONDS:
                        path.unlink()


def _entry(data_dir: DataDir, file: StoredFile) -> dict[str, Any]:
    return {
        "file": str(file.path.relative_to(data_dir.root)),
        "task": file.task,
        "day": file.day.isoformat(),
        "bytes": file.bytes,
    }

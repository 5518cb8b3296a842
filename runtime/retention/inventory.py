"""Finds the log files of a data directory and who has still to read them. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from runtime.config import DeploymentConfig
from runtime.data_dir import DataDir, checked_slug
from runtime.datasets.log_files import LogFile, list_log_files
from runtime.datasets.rollup import VALIDATIONS
from runtime.errors import InvalidInputError
from runtime.retention.plan import Kind, StoredFile
from runtime.steward.cursors import TABLES as CURSORS
from runtime.steward.cursors import FileKey, read_offsets
from runtime.steward.file_reader import FileReader
from runtime.steward.observers import OBSERVERS, known_names
from runtime.steward.report import read_report
from runtime.steward.state import State, open_state, state_file

KINDS: tuple[tuple[Kind, str], ...] = (("executions", ""), ("validations", VALIDATIONS))


def task_folders(data_dir: DataDir) -> list[str]:
    """The tasks that have a folder under `datasets/`."""
    names = []
    for folder in sorted((data_dir.root / "datasets").glob("*")):
        try:
            names.append(checked_slug(folder.name))
        except InvalidInputError:
            continue  # somebody else's
    return names


def readers(data_dir: DataDir, config: DeploymentConfig) -> Sequence[str]:
    """Who reads the log here: the steward's observers, none where there is no steward."""
    if not config.runtime.steward:
        return ()
    report = read_report(data_dir)
    return report["observers"] if report else known_names(OBSERVERS)


def find_files(data_dir: DataDir, config: DeploymentConfig) -> list[StoredFile]:
    """Every log file. Raises OSError."""
    names = readers(data_dir, config)
    found: list[StoredFile] = []
    with open_state(data_dir, CURSORS) if state_file(data_dir).exists() else nullcontext() as state:
        for task in task_folders(data_dir):
            for kind, prefix in KINDS:
                folder = log_folder(data_dir, task, kind)
                for file in list_log_files(folder, prefix=prefix):
                    behind = _unread_by(state, task, file, names) if kind == "executions" else ()
                    size = sum(path.stat().st_size for path in versions_of(file))
                    found.append(
                        StoredFile(file.path, task, kind, file.day, size, file.compressed, behind)
                    )
    return found


def log_folder(data_dir: DataDir, task: str, kind: Kind) -> Path:
    """Where the log files of a kind are."""
    return data_dir.executions(task) if kind == "executions" else data_dir.validations(task)


def versions_of(file: LogFile) -> Iterator[Path]:
    """The file, and its compressed copy where compression was interrupted."""
    yield file.path
    copy = file.path.with_name(file.path.name + ".gz")
    if not file.compressed and copy.exists():
        yield copy


def _unread_by(
    state: State | None, task: str, file: LogFile, names: Sequence[str]
) -> tuple[str, ...]:
    reader = FileReader(file)
    identity = reader.identity()
    if identity is None:  # not one whole line: there is nothing to read
        return ()
    offsets = dict.fromkeys(names, 0)
    if state is not None:
        key = FileKey(task, file.name, identity, file.day)
        offsets = read_offsets(state.connection, key, names)
    return tuple(name for name, offset in offsets.items() if reader.has_lines_after(offset))

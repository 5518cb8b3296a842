"""Finds a person's records: executions, validations, waiting samples, examples. Reads only."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from runtime.data_dir import DataDir
from runtime.datasets.log_files import LogFile, list_log_files
from runtime.encryption.keys import SealError
from runtime.erasure.condition import Condition, all_hold
from runtime.erasure.log_lines import FoundLine, lines_of
from runtime.errors import LoopaiError, Problem
from runtime.retention.inventory import KINDS, log_folder
from runtime.retention.plan import Kind
from runtime.steward.samples import TABLES as SAMPLES
from runtime.steward.samples import decoded
from runtime.steward.state import open_state, state_file

Progress = Callable[[str], None]


def find_records(
    data_dir: DataDir, task: str, conditions: Sequence[Condition], progress: Progress
) -> Iterator[dict[str, Any]]:
    """All that is kept of them, each with its `kind`. Raises LoopaiError, OSError."""
    for kind, file, lines in find_lines(data_dir, task, conditions, progress):
        for found in lines:
            yield {"kind": kind.removesuffix("s"), "file": file.path.name, **found.record}
    for sample in find_samples(data_dir, task, conditions):
        yield {"kind": "sample", **sample}
    for example in find_examples(data_dir, task, conditions):
        yield {"kind": "example", **example}


def find_lines(
    data_dir: DataDir, task: str, conditions: Sequence[Condition], progress: Progress
) -> Iterator[tuple[Kind, LogFile, list[FoundLine]]]:
    """The lines of each log file that are meant. Raises LoopaiError for a damaged file."""
    for kind, prefix in KINDS:
        for file in list_log_files(log_folder(data_dir, task, kind), prefix=prefix):
            progress(file.path.name)
            try:
                lines = [found for found in lines_of(file) if all_hold(conditions, found.record)]
            except SealError as error:
                raise LoopaiError(Problem(f"{error.strerror}.", error.filename)) from None
            except (EOFError, zlib.error, OSError) as error:
                raise LoopaiError(
                    Problem(
                        f"cannot be read to its end: {error}.",
                        file.path,
                        remedy="Repair or remove it, then do this again.",
                    )
                ) from None
            yield kind, file, lines


def find_samples(
    data_dir: DataDir, task: str, conditions: Sequence[Condition]
) -> list[dict[str, Any]]:
    """Sampled executions in the queue that are meant."""
    if not state_file(data_dir).exists():
        return []
    with open_state(data_dir, SAMPLES) as state:
        rows = state.connection.execute("SELECT * FROM samples WHERE task = ?", (task,)).fetchall()
        samples = [decoded(row, state.connection.values) for row in rows]
    return [sample for sample in samples if all_hold(conditions, sample)]


def find_examples(
    data_dir: DataDir, task: str, conditions: Sequence[Condition]
) -> list[dict[str, Any]]:
    """Examples of the task that are meant."""
    return [
        record for line in example_lines(data_dir, task) if (record := _meant(line, conditions))
    ]


def example_lines(data_dir: DataDir, task: str) -> list[bytes]:
    """The lines of `examples.jsonl`, with their ends; none where there is no file."""
    try:
        return data_dir.examples_file(task).read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []


def is_example_meant(line: bytes, conditions: Sequence[Condition]) -> bool:
    return _meant(line, conditions) is not None


def _meant(line: bytes, conditions: Sequence[Condition]) -> dict[str, Any] | None:
    try:
        record = msgspec.json.decode(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and all_hold(conditions, record) else None

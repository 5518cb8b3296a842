"""Programs that are not yet versions, by name: files, folders of them, and what a run tried."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, NotFoundError, Problem
from runtime.sandbox import Limits, Sandbox
from workbench.synthesis.journal import Journal


def gather_candidates(
    data_dir: DataDir,
    task: str,
    versions: Sequence[int] = (),
    paths: Sequence[Path] = (),
    runs: Sequence[int] = (),
) -> dict[str, str]:
    """`{label: source}` of versions, of files and all `*.py` in folders, and of synthesis runs.

    Raises NotFoundError, and InvalidInputError for a file that is no text or a run of another task.
    """
    store = ArtifactStore(data_dir)
    found = {f"v{version}": store.program_source(task, version) for version in versions}
    for path in paths:
        for file in _files(path):
            try:
                found[str(file)] = file.read_text(encoding="utf-8")
            except FileNotFoundError:
                raise NotFoundError(Problem("there is no such file.", file)) from None
            except (OSError, UnicodeDecodeError) as error:
                raise InvalidInputError(Problem(f"cannot be read: {error}.", file)) from None
    for run in runs:
        found |= _of_run(Journal(data_dir), task, run)
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.rglob("*.py"))
    if not files:
        raise NotFoundError(Problem("holds no program (*.py).", path))
    return files


def _of_run(journal: Journal, task: str, number: int) -> dict[str, str]:
    """The programs a run judged, then those it tried whole on its examples."""
    run = journal.run(number)
    if run["task"] != task:
        raise InvalidInputError(Problem(f"run {number} is of {run['task']}, not of {task}."))
    found: dict[str, str] = {}
    for place, row in enumerate(journal.candidates(number), start=1):
        if row["source"]:
            found[f"run {number} #{place}: {row['label']}"] = row["source"]
    for row in journal.attempts(number):
        if row["verdict"] == "tried" and row["source"]:
            found[f"run {number} attempt {row['number']}"] = row["source"]
    if not found:
        raise NotFoundError(
            Problem(f"run {number} came to no program.", remedy=f"See: loopai runs show {number}")
        )
    return found


def merge_same(candidates: dict[str, str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """One of each program, and by its label those that are the same to the byte."""
    first: dict[str, str] = {}
    same: dict[str, list[str]] = {}
    for label, source in candidates.items():
        if source in first:
            same.setdefault(first[source], []).append(label)
        else:
            first[source] = label
    return {label: source for source, label in first.items()}, same


def refuse_unloadable(
    candidates: dict[str, str], limits: Limits
) -> tuple[dict[str, str], dict[str, str]]:
    """Those that the sandbox loads, and `{label: reason}` of those that it refuses."""
    loaded, refused = {}, {}
    with Sandbox(limits=limits) as sandbox:
        for label, source in candidates.items():
            try:
                sandbox.prepare(sandbox.load(source))
            except LoopaiError as error:
                refused[label] = str(error)
            else:
                loaded[label] = source
    return loaded, refused

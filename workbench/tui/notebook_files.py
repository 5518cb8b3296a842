"""Which notebooks there are to open, and which one belongs to a task. Draws nothing."""

from __future__ import annotations

from pathlib import Path

from runtime.data_dir import DataDir, write_atomic
from workbench.notebook.starting import SUFFIX, new_text, notebook_of, text_for_task


def task_notebook(data_dir: DataDir, task: str | None) -> Path | None:
    """A task's notebook, when it has one; without a task, the first of the current folder."""
    if task is None:
        return next(iter(_in_folder(Path.cwd())), None)
    own = notebook_of(data_dir, task)
    if own.is_file():
        return own
    return next(iter(_in_folder(data_dir.task(task))), None)


def make_notebook(data_dir: DataDir, task: str | None) -> Path:
    """Write a task's notebook, or a first one in the current folder; returns its file.

    Raises LoopaiError and OSError.
    """
    if task is None:
        file = Path.cwd() / f"first{SUFFIX}"
        if not file.exists():
            write_atomic(file, new_text("first"))
        return file
    file = notebook_of(data_dir, task)
    if not file.exists():
        write_atomic(file, text_for_task(data_dir, task))
    return file


def all_notebooks(data_dir: DataDir) -> list[tuple[Path, str]]:
    """Every notebook of the tasks and of the current folder, with where it is."""
    found = [
        (file, f"task {name}")
        for name in data_dir.task_names()
        for file in _in_folder(data_dir.task(name))
    ]
    known = {file for file, _ in found}
    here = [(file, str(file.parent)) for file in _in_folder(Path.cwd()) if file not in known]
    return [*found, *here]


def _in_folder(folder: Path) -> list[Path]:
    return sorted({*folder.glob(f"*{SUFFIX}"), *folder.glob("notebook.md")})

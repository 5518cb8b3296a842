"""`promote` cells: a version begins to serve, at once or in stages, by `loopai promote`."""

from __future__ import annotations

from runtime.models import TaskSpecification
from workbench.notebook.cells.child import run_child
from workbench.notebook.cells.work import Place, Work
from workbench.notebook.output import CellResult, text_part

NOW, STAGED = "now", "staged"


def check_promote(place: Place, task: TaskSpecification | None) -> str:
    """`now`, `staged` or a version as it is written."""
    words = [line.strip() for _, line in place.lines()]
    if not words:
        return NOW
    (word, *more) = words
    if more or (word not in (NOW, STAGED) and not word.removeprefix("v").isdigit()):
        raise place.fail(
            f"{' '.join(words)!r} is nothing to promote.",
            place.block.body_line,
            "Write now, staged, or a version such as v2.",
        )
    return word


def run_promote(work: Work) -> CellResult:
    """Make the version serve; one that serves already stays as it is."""
    word = check_promote(work.place, None)
    task = work.task_name()
    named = word not in (NOW, STAGED)
    version = work.stored_version(word, work.block.body_line) if named else work.newest()
    facts = {"version": version}
    before = work.store.active(task)
    if before == version:
        return CellResult(f"{task} serves v{version} already", (), facts)
    # With nothing that serves there is nothing to compare a stage with.
    staged = word == STAGED and before is not None
    arguments = ["promote", task, f"v{version}", "--data-dir", str(work.data_dir.root)]
    arguments += ["--reason", f"notebook {work.place.file.name}"]
    run_child([*arguments, *(["--staged"] if staged else [])], work.say, work.interruption)
    if staged:
        told = f"{task} v{version} gets its first callers; v{before} serves the others"
        return CellResult(told, (text_part("Follow it in Versions."),), facts)
    was = f" (before: v{before})" if before else ""
    first = word == STAGED
    note = (text_part("Nothing served before it, so it serves at once.", "dim"),) if first else ()
    return CellResult(f"{task} now serves v{version}{was}", note, facts)

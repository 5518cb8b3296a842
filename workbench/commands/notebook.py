"""`loopai notebook`: notebooks with no screen. A run that fails an `expect` exits with 1."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click

from runtime.command_line import (
    EXIT_INTERRUPTED,
    EXIT_NO,
    EXIT_WRONG,
    data_dir_option,
    json_option,
    print_json,
)
from runtime.data_dir import DataDir, write_atomic
from runtime.errors import InvalidInputError, Problem
from runtime.slug import check_slug
from workbench.console import out
from workbench.notebook.checking import check_document
from workbench.notebook.document import Document, read_document
from workbench.notebook.engine import Engine
from workbench.notebook.interruption import Interruption
from workbench.notebook.kinds import KINDS
from workbench.notebook.output import Output
from workbench.notebook.session import Session, cell_states
from workbench.notebook.starting import SUFFIX, new_text, notebook_of, text_for_task

FILE = click.Path(path_type=Path, dir_okay=False)
CELLS_HELP = "\b\nCells (``` and one of these words):\n" + "\n".join(
    f"  {kind.name:11} {kind.summary}" for kind in KINDS.values()
)


@click.group("notebook", help="Notebooks: Markdown files whose cells make and judge programs.")
def command() -> None:
    pass


@command.command("new", epilog=CELLS_HELP)
@click.argument("name")
@click.option("--task", help="For this task of the data directory, in its folder.")
@data_dir_option
@json_option
def new(name: str, task: str | None, data_dir: DataDir, as_json: bool) -> None:
    """Write a notebook NAME that runs as it is; it never writes over one that is there."""
    if task is None:
        file = Path(name if name.endswith(".md") else f"{name}{SUFFIX}")
        text = new_text(_slug_of(file))
    else:
        file = notebook_of(data_dir, task).with_name(
            name if name.endswith(".md") else name + SUFFIX
        )
        text = text_for_task(data_dir, task)
    if file.exists():
        raise InvalidInputError(Problem("is there already.", file, remedy="Choose another name."))
    write_atomic(file, text)
    if as_json:
        print_json({"file": str(file)})
    else:
        out.print(f"{file} is written. Run it with: loopai notebook run {file}", markup=False)


@command.command("run", epilog=CELLS_HELP)
@click.argument("file", type=FILE)
@click.option("--stale", is_flag=True, help="Only cells that have changed, and what follows them.")
@click.option("--cell", "labels", multiple=True, help="Only this cell, and what it needs.")
@click.option("--quiet", is_flag=True, help="No outputs, only how each cell went.")
@data_dir_option
@json_option
def run(
    file: Path,
    stale: bool,
    labels: tuple[str, ...],
    quiet: bool,
    data_dir: DataDir,
    as_json: bool,
) -> int:
    """Run the cells of FILE. Exits with 0 when all went well, 1 when an expectation does not
    hold, 2 when a cell could not be run, 130 when interrupted."""
    from workbench.commands.notebook_progress import NotebookProgress, Shown

    document = read_document(file)
    _raise_form_problems(document)
    session = Session.read(file)
    interruption = Interruption()
    shown: Shown = "nothing" if as_json else "lines" if quiet else "outputs"
    with NotebookProgress(document, shown) as progress:
        engine = Engine(document, data_dir, session, progress.report, interruption)
        wanted = _wanted(engine, document, stale, labels)
        outputs = _run(engine, wanted, interruption)
    if as_json:
        print_json(_report(file, data_dir, outputs))
    else:
        out.print(_summary(outputs), markup=False)
    return _exit_code(outputs)


@command.command("check", epilog=CELLS_HELP)
@click.argument("files", nargs=-1, required=True, type=FILE)
@json_option
def check(files: tuple[Path, ...], as_json: bool) -> int:
    """Read FILES and say what is wrong in them, by line; runs nothing and writes nothing."""
    found = {file: read_document(file) for file in files}
    problems = {file: check_document(document) for file, document in found.items()}
    if as_json:
        print_json(
            [
                {
                    "file": str(file),
                    "cells": [
                        {"label": b.label, "kind": b.kind, "line": b.line}
                        for b in (document.blocks[index] for index in document.cells)
                    ],
                    "problems": [problem.as_json() for problem in problems[file]],
                }
                for file, document in found.items()
            ]
        )
    else:
        for file, document in found.items():
            for problem in problems[file]:
                out.print(str(problem), markup=False, style="red")
            if not problems[file]:
                out.print(f"{file}: {len(document.cells)} cells, nothing wrong.", markup=False)
    return EXIT_NO if any(problems.values()) else 0


@command.command("export")
@click.argument("file", type=FILE)
@click.option("--output", type=click.Path(path_type=Path), help="The page (default: FILE.html).")
@data_dir_option
@json_option
def export(file: Path, output: Path | None, data_dir: DataDir, as_json: bool) -> None:
    """Write FILE with its last outputs as one HTML page that needs no network."""
    from workbench.notebook.html import export_page

    document = read_document(file)
    states = cell_states(document, Session.read(file), data_dir)
    page = export_page(document, states)
    target = output or file.with_suffix(".html")
    write_atomic(target, page)
    run_cells = sum(state.output is not None for state in states.values())
    if as_json:
        size = len(page.encode())
        print_json({"file": str(target), "bytes": size, "cells_with_output": run_cells})
    else:
        out.print(f"{target}: {run_cells} of {len(states)} cells have an output.", markup=False)


def _raise_form_problems(document: Document) -> None:
    """A file that is broken in its form is not run: a swallowed `expect` would pass."""
    if document.problems:
        raise InvalidInputError(document.problems)
    if not document.cells:
        raise InvalidInputError(
            Problem("holds no cell.", document.file, remedy="Start from: loopai notebook new NAME")
        )


def _wanted(engine: Engine, document: Document, stale: bool, labels: Sequence[str]) -> set[int]:
    if labels:
        cells = [document.find(label) for label in labels]
        return {each for index in cells for each in engine.with_what_it_needs(index)}
    return set(engine.stale_cells() if stale else engine.all_cells())


def _run(engine: Engine, wanted: set[int], interruption: Interruption) -> list[Output]:
    def stop(number: int, frame: FrameType | None) -> None:
        interruption.ask()

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        return engine.run(wanted)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(file: Path, data_dir: DataDir, outputs: Sequence[Output]) -> dict[str, object]:
    return {
        "file": str(file),
        "data_dir": str(data_dir.root),
        "passed": _exit_code(outputs) == 0,
        "cells": [
            {key: value for key, value in output.as_json().items() if key not in ("key", "own")}
            for output in outputs
        ],
    }


def _summary(outputs: Sequence[Output]) -> str:
    if not outputs:
        return "Nothing is stale."
    told = ", ".join(
        f"{count} {words}"
        for status, words in (
            ("ok", "ok"),
            ("failed", "with expectations that do not hold"),
            ("error", "could not be run"),
            ("skipped", "skipped"),
            ("interrupted", "interrupted"),
        )
        if (count := sum(output.status == status for output in outputs))
    )
    seconds = sum(output.seconds for output in outputs)
    return f"{len(outputs)} cells in {seconds:.1f} s: {told}."


def _exit_code(outputs: Sequence[Output]) -> int:
    found = {output.status for output in outputs}
    if "interrupted" in found:
        return EXIT_INTERRUPTED
    if "error" in found:
        return EXIT_WRONG
    return EXIT_NO if "failed" in found else 0


def _slug_of(file: Path) -> str:
    name = file.name.removesuffix(".md").removesuffix(".notebook").lower().replace("_", "-")
    try:
        return check_slug(name)
    except ValueError as error:
        raise InvalidInputError(
            Problem(f"{error}.", file, remedy="Name it such as returns.notebook.md.")
        ) from None

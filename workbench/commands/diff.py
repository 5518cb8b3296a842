"""`loopai diff`: what changed between two versions, in figures, in source, in behaviour."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import click
from rich.syntax import Syntax

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.datasets.reader import decode_record
from runtime.datasets.tail import LogTail
from runtime.models import TaskSpecification
from runtime.sandbox import Limits, Result, Sandbox
from runtime.tasks import load_task
from runtime.validation.exact import matches
from workbench.commands.version_argument import VERSION
from workbench.console import out, percent, print_table

MAX_CHANGED_SHOWN = 10
#: Inputs between two words on how far it is.
PIECE = 200


def source_diff(store: ArtifactStore, task: str, old: int, new: int) -> str:
    """A unified diff of the two programs, launchers left out."""
    before, after = (store.read(task, version).code.splitlines() for version in (old, new))
    names = (f"{task}/v{old}/program.py", f"{task}/v{new}/program.py")
    return "\n".join(difflib.unified_diff(before, after, *names, lineterm=""))


def behaviour_diff(
    store: ArtifactStore,
    task: TaskSpecification,
    old: int,
    new: int,
    say: Callable[[float], None] = lambda done: None,
) -> dict[str, Any]:
    """On the task's examples: how many answers differ, won and lost, and the rows that changed.

    `say` is told how much is done, from 0 to 1; what it raises ends it.
    """
    inputs = [example.input for example in task.examples]
    before, after = _answers(store, task.name, (old, new), inputs, say)
    changed = []
    won = lost = 0
    for row, (example, one, two) in enumerate(
        zip(task.examples, before, after, strict=True), start=1
    ):
        if one.ok and two.ok and matches(one.output, two.output):
            continue
        was, now = (
            result.ok and matches(example.output, result.output, task.output_schema)
            for result in (one, two)
        )
        won += now and not was
        lost += was and not now
        changed.append(
            {
                "row": row,
                "input": example.input,
                "expected": example.output,
                "old": _shown(one),
                "new": _shown(two),
            }
        )
    return {"examples": len(inputs), "changed": changed, "won": won, "lost": lost}


def logged_diff(
    data_dir: DataDir, store: ArtifactStore, task: str, old: int, new: int, most: int
) -> dict[str, Any]:
    """On the inputs of the newest executions: how many are answered differently, and which."""
    records = []
    for line in LogTail(data_dir.executions(task)).take_last(most):
        try:
            records.append(decode_record(line))
        except (ValueError, RecursionError):
            continue  # `loopai stats` counts them
    before, after = _answers(store, task, (old, new), [record["input"] for record in records])
    changed = [
        {
            "execution_id": record["execution_id"],
            "timestamp": record["timestamp"],
            "input": record["input"],
            "old": _shown(one),
            "new": _shown(two),
        }
        for record, one, two in zip(records, before, after, strict=True)
        if not (one.ok and two.ok and matches(one.output, two.output))
        and (one.ok or two.ok or _shown(one) != _shown(two))
    ]
    return {"executions": len(records), "changed": changed}


def _answers(
    store: ArtifactStore,
    task: str,
    versions: tuple[int, int],
    inputs: list[Any],
    say: Callable[[float], None] = lambda done: None,
) -> list[list[Result]]:
    """What each version answers to each input."""
    answers: list[list[Result]] = []
    with Sandbox(limits=Limits(timeout_ms=2000, memory_mb=512)) as sandbox:
        for place, version in enumerate(versions):
            program = sandbox.load(store.program_source(task, version))
            results: list[Result] = []
            for start in range(0, len(inputs), PIECE):
                say((place + start / len(inputs)) / len(versions))
                results.extend(sandbox.run(program, inputs[start : start + PIECE]))
            answers.append(results)
    return answers


def _shown(result: Result) -> Any:
    return result.output if result.ok else str(result.error or result.status)


@click.command("diff", help="What changed between two versions of a task.")
@click.argument("task")
@click.argument("old", type=VERSION)
@click.argument("new", type=VERSION)
@click.option("--source/--no-source", default=True, help="Show the unified diff of the source.")
@click.option(
    "--executions",
    type=click.IntRange(0, 100_000),
    default=0,
    metavar="N",
    help="Run both on the inputs of the N newest executions too.",
)
@data_dir_option
@json_option
def command(
    task: str, old: int, new: int, source: bool, executions: int, data_dir: DataDir, as_json: bool
) -> None:
    store = ArtifactStore(data_dir)
    text = source_diff(store, task, old, new)
    behaviour = behaviour_diff(store, load_task(data_dir, task), old, new)
    logged = logged_diff(data_dir, store, task, old, new, executions) if executions else None
    reports = [store.metadata(task, version)["evaluation"] for version in (old, new)]
    if as_json:
        figures = [
            {
                "version": version,
                "accuracy": report.get("accuracy"),
                "interval": report.get("interval"),
            }
            for version, report in zip((old, new), reports, strict=True)
        ]
        print_json(
            {
                "task": task,
                "figures": figures,
                "behaviour": behaviour,
                "logged": logged,
                "source": text,
            }
        )
        return
    print_diff(old, new, text if source else "", behaviour, reports)
    if logged is not None:
        print_logged(old, new, logged)


def print_logged(old: int, new: int, logged: dict[str, Any]) -> None:
    """What differs on inputs of the log, for a person."""
    changed = logged["changed"]
    out.print(
        f"Of the {logged['executions']} newest executions, {len(changed)} are answered differently."
    )
    if changed:
        print_table(
            ("time", f"v{old}", f"v{new}", "input"),
            [
                (
                    c["timestamp"][:19].replace("T", " "),
                    str(c["old"])[:40],
                    str(c["new"])[:40],
                    str(c["input"])[:60],
                )
                for c in changed[:MAX_CHANGED_SHOWN]
            ],
        )


def print_diff(
    old: int, new: int, source: str, behaviour: dict[str, Any], reports: list[dict[str, Any]]
) -> None:
    """The diff for a person."""
    if source:
        plain = not out.is_terminal
        out.print(source if plain else Syntax(source, "diff", theme="ansi_dark"), markup=False)
        out.print()
    for version, report in zip((old, new), reports, strict=True):
        if report.get("accuracy") is None:
            out.print(f"v{version}: nobody has judged it")
            continue
        out.print(
            f"v{version}: {percent(report['accuracy'])} of {report['examples']} right "
            f"({report['method']}, when it was made)"
        )
    changed = behaviour["changed"]
    out.print(
        f"On the {behaviour['examples']} examples the task has now, {len(changed)} answers differ: "
        f"{behaviour['won']} become right, {behaviour['lost']} become wrong."
    )
    if changed:
        print_table(
            ("row", f"v{old}", f"v{new}", "expected", "input"),
            [
                (
                    c["row"],
                    str(c["old"])[:40],
                    str(c["new"])[:40],
                    str(c["expected"])[:40],
                    str(c["input"])[:60],
                )
                for c in changed[:MAX_CHANGED_SHOWN]
            ],
        )

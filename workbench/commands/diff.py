"""`loopai diff`: what changed between two versions, in figures, in source, in behaviour."""

from __future__ import annotations

import difflib
from typing import Any

import click
from rich.syntax import Syntax

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir
from runtime.models import TaskSpecification
from runtime.sandbox import Limits, Sandbox
from runtime.tasks import load_task
from runtime.validation.exact import matches
from workbench.commands.version_argument import VERSION
from workbench.console import out, percent, print_table

MAX_CHANGED_SHOWN = 10


def source_diff(store: ArtifactStore, task: str, old: int, new: int) -> str:
    """A unified diff of the two programs, launchers left out."""
    before, after = (store.read(task, version).code.splitlines() for version in (old, new))
    names = (f"{task}/v{old}/program.py", f"{task}/v{new}/program.py")
    return "\n".join(difflib.unified_diff(before, after, *names, lineterm=""))


def behaviour_diff(
    store: ArtifactStore, task: TaskSpecification, old: int, new: int
) -> dict[str, Any]:
    """On the task's examples: how many answers differ, won and lost, and the rows that changed."""
    inputs = [example.input for example in task.examples]
    with Sandbox(limits=Limits(timeout_ms=2000, memory_mb=512)) as sandbox:
        before, after = (
            sandbox.run(sandbox.load(store.program_source(task.name, version)), inputs)
            for version in (old, new)
        )
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
                "old": one.output if one.ok else str(one.error or one.status),
                "new": two.output if two.ok else str(two.error or two.status),
            }
        )
    return {"examples": len(inputs), "changed": changed, "won": won, "lost": lost}


@click.command("diff", help="What changed between two versions of a task.")
@click.argument("task")
@click.argument("old", type=VERSION)
@click.argument("new", type=VERSION)
@click.option("--source/--no-source", default=True, help="Show the unified diff of the source.")
@data_dir_option
@json_option
def command(task: str, old: int, new: int, source: bool, data_dir: DataDir, as_json: bool) -> None:
    store = ArtifactStore(data_dir)
    text = source_diff(store, task, old, new)
    behaviour = behaviour_diff(store, load_task(data_dir, task), old, new)
    reports = [store.metadata(task, version)["evaluation"] for version in (old, new)]
    if as_json:
        figures = [
            {"version": version, "accuracy": report.get("accuracy"), "interval": report["interval"]}
            for version, report in zip((old, new), reports, strict=True)
        ]
        print_json({"task": task, "figures": figures, "behaviour": behaviour, "source": text})
        return
    print_diff(old, new, text if source else "", behaviour, reports)


def print_diff(
    old: int, new: int, source: str, behaviour: dict[str, Any], reports: list[dict[str, Any]]
) -> None:
    """The diff for a person."""
    if source:
        plain = not out.is_terminal
        out.print(source if plain else Syntax(source, "diff", theme="ansi_dark"), markup=False)
        out.print()
    for version, report in zip((old, new), reports, strict=True):
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

"""`loopai task`: make, list, show and check tasks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.data_dir import DataDir, checked_slug
from runtime.errors import InvalidInputError, LoopaiError, Problem
from runtime.models import TaskSpecification
from runtime.tasks import load_task, write_task
from workbench.console import out, percent, print_table
from workbench.synthesis.kinds import OutputKind, class_label, input_fields

MAX_CLASSES_SHOWN = 12


@click.group("task", help="Make, list, show and check tasks.")
def command() -> None:
    pass


@command.command("new", help="Make a task: from a sample, from a table, or to fill in by hand.")
@click.argument("name")
@click.option("--sample", help="Copy a task that ships, such as spam-detection.")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), help="A CSV, TSV or JSON-lines file."
)
@click.option("--output", "output_column", help="With --from: the column to learn.")
@click.option(
    "--input", "input_columns", multiple=True, help="With --from: a column to learn from."
)
@click.option("--description", default="", help="What the program should do, in words.")
@data_dir_option
@json_option
def new(
    name: str,
    sample: str | None,
    source: Path | None,
    output_column: str | None,
    input_columns: tuple[str, ...],
    description: str,
    data_dir: DataDir,
    as_json: bool,
) -> None:
    from workbench.new_task import from_rows, from_sample, from_template

    checked_slug(name)
    if data_dir.task_file(name).exists():
        raise InvalidInputError(
            Problem(
                f"the task {name!r} is there already.",
                data_dir.task_file(name),
                remedy="Choose another name, or edit that file.",
            )
        )
    if sample and source:
        raise click.UsageError("give --sample or --from, not both")
    if sample:
        from_sample(data_dir, sample, name)
    elif source:
        if not output_column:
            raise click.UsageError("--from needs --output COLUMN: the column to learn")
        write_task(data_dir, from_rows(name, description, source, output_column, input_columns))
    else:
        from_template(data_dir, name, description)
    task = load_task(data_dir, name)
    if as_json:
        print_json(
            {"task": name, "folder": str(data_dir.task(name)), "examples": len(task.examples)}
        )
        return
    out.print(f"Made {data_dir.task(name)} with {len(task.examples)} examples.", markup=False)
    if source:
        for field, schema in task.input_schema["properties"].items():
            if told := schema.get("description"):
                out.print(f"{field}: {told}", markup=False)
    if task.examples:
        out.print(f"Next: loopai synthesize {name}", markup=False)
    else:
        out.print(
            "Next: describe the task in task.yaml, and write examples to examples.jsonl, one "
            'line each: {"input": {"text": "..."}, "output": "yes"}',
            markup=False,
        )


@command.command("list", help="All tasks of the data directory, with their state.")
@data_dir_option
@json_option
def list_tasks(data_dir: DataDir, as_json: bool) -> None:
    rows = [_list_row(data_dir, name) for name in data_dir.task_names()]
    if as_json:
        print_json(rows)
    elif not rows:
        from workbench.new_task import sample_names

        out.print(f"No tasks in {data_dir.root} yet.", markup=False)
        out.print(f"Try: loopai task new {sample_names()[0]} --sample {sample_names()[0]}")
    else:
        print_table(
            ("task", "examples", "versions", "active", "accuracy", "state"),
            [
                (
                    row["task"],
                    row["examples"],
                    row["versions"],
                    f"v{row['active']}" if row["active"] else "-",
                    percent(row["accuracy"]),
                    row["state"],
                )
                for row in rows
            ],
        )


def _list_row(data_dir: DataDir, name: str) -> dict[str, Any]:
    store = ArtifactStore(data_dir)
    row: dict[str, Any] = {"task": name, "examples": None, "accuracy": None}
    row["versions"] = len(store.versions(name))
    row["active"] = store.active(name)
    try:
        row["examples"] = len(load_task(data_dir, name).examples)
        row["state"] = "serving" if row["active"] else "no version active"
        if row["active"]:
            row["accuracy"] = store.metadata(name, row["active"])["evaluation"].get("accuracy")
    except LoopaiError as error:
        row["state"] = str(error.problems[0])
    return row


@command.command("show", help="A task in words and figures.")
@click.argument("name")
@data_dir_option
@json_option
def show(name: str, data_dir: DataDir, as_json: bool) -> None:
    task = load_task(data_dir, name)
    facts = _facts(task)
    if as_json:
        print_json({**task.model_dump(mode="json", exclude={"examples"}), **facts})
        return
    out.print(task.name, style="bold")
    out.print(" ".join(task.description.split()), markup=False)
    out.print()
    _print_facts(facts)
    out.print(
        f"targets: accuracy {task.accuracy_target:.0%}, latency {task.latency_target_ms:g} ms; "
        f"{task.sampling_rate:.0%} sampled"
    )
    for example in task.examples[:3]:
        out.print(f"  {example.input} -> {example.output!r}", markup=False, style="dim")


@command.command("check", help="Check a task's files, schemas and examples, row by row.")
@click.argument("name")
@data_dir_option
@json_option
def check(name: str, data_dir: DataDir, as_json: bool) -> None:
    from workbench.synthesis.examples_check import check_examples

    task = load_task(data_dir, name)
    if task.invariants:
        _check_invariants(data_dir, task)
    checked = check_examples(task, data_dir.examples_file(name))
    facts = {**_facts(task), "usable": len(checked.examples)}
    if task.invariants:
        facts["invariants"] = len(task.invariants)
    warnings = [str(warning) for warning in checked.warnings]
    if as_json:
        print_json({"task": name, "ok": True, **facts, "warnings": warnings})
        return
    _print_facts(facts)
    for warning in warnings:
        out.print(f"note: {warning}", markup=False, style="yellow")
    out.print(f"{name} is sound: {len(checked.examples)} examples can be used.", markup=False)


def _check_invariants(data_dir: DataDir, task: TaskSpecification) -> None:
    """Raises InvalidInputError where an example breaks an invariant of its own task."""
    from runtime.sandbox import Sandbox
    from workbench.synthesis.invariants import Invariants, check_examples_hold

    with Sandbox() as sandbox:
        invariants = Invariants(task, sandbox, made_inputs=0)
        check_examples_hold(invariants, task.examples, data_dir.examples_file(task.name))


def _facts(task: TaskSpecification) -> dict[str, Any]:
    from workbench.synthesis.kinds import output_kind

    kind = output_kind(task.output_schema, [example.output for example in task.examples])
    facts: dict[str, Any] = {
        "examples": len(task.examples),
        "output": kind.value,
        "inputs": {
            field.name: field.kind.value + (" (optional)" if field.optional else "")
            for field in input_fields(task, task.examples)
        },
    }
    if kind is OutputKind.CLASS:
        counts = Counter(class_label(example.output) for example in task.examples)
        facts["classes"] = dict(counts.most_common())
    return facts


def _print_facts(facts: dict[str, Any]) -> None:
    inputs = ", ".join(f"{name}: {kind}" for name, kind in facts["inputs"].items())
    out.print(f"input:    {inputs or 'nothing known yet'}", markup=False)
    out.print(f"output:   {facts['output']}")
    if "classes" in facts:
        shown = list(facts["classes"].items())[:MAX_CLASSES_SHOWN]
        more = " ..." if len(facts["classes"]) > len(shown) else ""
        out.print("classes:  " + ", ".join(f"{k} {v}" for k, v in shown) + more, markup=False)
    out.print(f"examples: {facts['examples']}")
    if "invariants" in facts:
        out.print(f"invariants: {facts['invariants']}, which hold for every example")

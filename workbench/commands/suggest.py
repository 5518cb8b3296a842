"""`loopai suggest`: which inputs to label next. Writes nothing, or only the file it is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import data_dir_option, json_option, print_json
from runtime.config import load_deployment
from runtime.data_dir import DataDir, write_atomic
from runtime.datasets.tail import LogTail
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.models import TaskSpecification
from runtime.sandbox import Limits, Result, Sandbox
from runtime.schema_check import SchemaCheck
from runtime.strict_json import parse_strictly
from runtime.tasks import load_task
from workbench.commands.version_argument import VERSION
from workbench.console import out, percent, print_table
from workbench.synthesis.by_model.made_examples import INPUTS, read_unlabelled

MAX_LOGGED = 5000
MAX_SHOWN = 90


@click.command(
    "suggest",
    help="Pick the inputs most worth labelling, from inputs.jsonl or the log of executions: "
    "those the program is unsure of, and that differ.",
)
@click.argument("task")
@click.option("--count", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option(
    "--from",
    "source",
    type=click.Choice(["inputs", "log"]),
    help=f"Where to look: {INPUTS} or the log (default: {INPUTS} where it is there).",
)
@click.option("--version", type=VERSION, help="Whose doubts (default: the active one or newest).")
@click.option(
    "--output",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write them as examples whose output is still to be filled in.",
)
@data_dir_option
@json_option
def command(
    task: str,
    count: int,
    source: str | None,
    version: int | None,
    file: Path | None,
    data_dir: DataDir,
    as_json: bool,
) -> None:
    from workbench.synthesis.suggestion import suggest, unlabelled

    specification = load_task(data_dir, task)
    store = ArtifactStore(data_dir)
    chosen = version or store.active(task) or max(store.versions(task), default=None)
    found, where = _inputs(data_dir, specification, source)
    pool = unlabelled(specification, found)
    if not pool:
        raise NotFoundError(
            Problem(
                f"no input in {where} is without a label." if found else f"no inputs in {where}.",
                remedy=f"Put inputs, one JSON object a line, into {data_dir.task(task) / INPUTS}.",
            )
        )
    answers = _answers(data_dir, store, specification, chosen, pool)
    recalls = _recalls(store, task, chosen)
    picked = suggest(specification, pool, answers, count, recalls)
    if file is not None:
        if file.resolve() == data_dir.examples_file(task).resolve():
            raise InvalidInputError(
                Problem("holds the examples themselves.", file, remedy="Name another file.")
            )
        lines = [json.dumps(one.as_example(), ensure_ascii=False) + "\n" for one in picked]
        write_atomic(file, "".join(lines))
    if as_json:
        print_json(
            {
                "task": task,
                "version": chosen,
                "from": where,
                "unlabelled": len(pool),
                "suggestions": [one.as_json() for one in picked],
            }
        )
        return
    print_table(
        ("", "answer now", "sure", "why", "input"),
        [
            (
                number,
                "-" if one.output is None else _short(one.output, 24),
                percent(one.confidence),
                one.why,
                _short(one.input, MAX_SHOWN),
            )
            for number, one in enumerate(picked, start=1)
        ],
    )
    out.print()
    out.print(f"{len(picked)} of {len(pool)} unlabelled inputs in {where}.", markup=False)
    if file is not None:
        out.print(
            f"Written to {file}: fill in each output, then append it to "
            f"{data_dir.examples_file(task)}.",
            markup=False,
        )
    else:
        out.print("To label them: add --output FILE, and fill in each output there.")


def _inputs(
    data_dir: DataDir, task: TaskSpecification, source: str | None
) -> tuple[list[dict[str, Any]], str]:
    file = data_dir.task(task.name) / INPUTS
    if source == "inputs" or (source is None and file.is_file()):
        return read_unlabelled(data_dir, task), str(file)
    is_valid = SchemaCheck(task.input_schema, "input_schema").is_valid
    inputs = []
    for line in LogTail(data_dir.executions(task.name)).take_last(MAX_LOGGED):
        try:
            logged = parse_strictly(line)
        except ValueError:
            continue  # a line torn by a crash; the log's own readers count it
        data = logged.get("input") if isinstance(logged, dict) else None
        if isinstance(data, dict) and is_valid(data):
            inputs.append(data)
    return inputs, "the log of executions"


def _answers(
    data_dir: DataDir,
    store: ArtifactStore,
    task: TaskSpecification,
    version: int | None,
    pool: list[dict[str, Any]],
) -> list[Result] | None:
    if version is None:
        return None
    execution = load_deployment(data_dir.deployment_file).execution
    limits = Limits(timeout_ms=execution.timeout_ms, memory_mb=execution.memory_mb)
    with Sandbox(limits=limits) as sandbox:
        return sandbox.run(sandbox.load(store.program_source(task.name, version)), pool)


def _recalls(store: ArtifactStore, task: str, version: int | None) -> dict[str, float]:
    if version is None:
        return {}
    classes = store.metadata(task, version)["evaluation"].get("classes") or {}
    return {label: float(figures["recall"]) for label, figures in classes.items()}


def _short(value: Any, most: int) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 4]} ..."

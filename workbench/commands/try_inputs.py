"""`loopai try`: run a version in the sandbox on inputs given by hand. Nothing is logged."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from runtime.artifacts import ArtifactStore
from runtime.command_line import EXIT_NO, data_dir_option, json_option, print_json
from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, NotFoundError, Problem
from runtime.sandbox import Limits, Result, Sandbox
from runtime.schema_check import SchemaCheck
from runtime.strict_json import parse_strictly
from runtime.tasks import load_task
from workbench.commands.version_argument import VERSION
from workbench.console import out


@click.command("try", help="Run a program on INPUT (a JSON object; - reads one a line from stdin).")
@click.argument("task")
@click.argument("inputs", nargs=-1, metavar="INPUT...", required=True)
@click.option("--version", type=VERSION, help="Default: the active one, else the newest.")
@data_dir_option
@json_option
def command(
    task: str, inputs: tuple[str, ...], version: int | None, data_dir: DataDir, as_json: bool
) -> int:
    specification = load_task(data_dir, task, with_examples=False)
    store = ArtifactStore(data_dir)
    chosen = version or store.active(task) or max(store.versions(task), default=None)
    if chosen is None:
        raise NotFoundError(
            Problem(f"{task} has no version yet.", remedy=f"Make one: loopai synthesize {task}")
        )
    values = list(_read(inputs, SchemaCheck(specification.input_schema, "input_schema")))
    execution = load_deployment(data_dir.deployment_file).execution
    limits = Limits(timeout_ms=execution.timeout_ms, memory_mb=execution.memory_mb)
    with Sandbox(limits=limits) as sandbox:
        results = sandbox.run(sandbox.load(store.program_source(task, chosen)), values)
    outputs = SchemaCheck(specification.output_schema, "output_schema")
    rows = [_row(chosen, result, outputs) for result in results]
    if as_json:
        print_json(rows[0] if len(rows) == 1 else rows)
    else:
        for row in rows:
            _print(row)
    return EXIT_NO if any(row["status"] != "success" for row in rows) else 0


def _read(texts: tuple[str, ...], check: SchemaCheck) -> Iterator[Any]:
    for name, text in _texts(texts):
        try:
            value = parse_strictly(text)
        except ValueError as error:
            raise InvalidInputError(
                Problem(f"{error}.", name, remedy="""Write for example: '{"text": "..."}'""")
            ) from None
        failures = check.errors(value)
        if failures:
            raise InvalidInputError(
                [Problem(f"{each.message}.", name, field=each.path or "/") for each in failures]
            )
        yield value


def _texts(texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts, start=1):
        if text == "-":
            for line_number, line in enumerate(sys.stdin, start=1):
                if line.strip():
                    yield f"stdin:{line_number}", line
        else:
            yield ("input" if len(texts) == 1 else f"input {number}"), text


def _row(version: int, result: Result, outputs: SchemaCheck) -> dict[str, Any]:
    row: dict[str, Any] = {"status": result.status, "program_version": version}
    failures = outputs.errors(result.output) if result.ok else []
    if failures:
        row["status"] = "error"
        row["error"] = f"the output breaks output_schema: {failures[0].message}"
    elif result.ok:
        row["output"] = result.output
        row["confidence"] = result.confidence
    else:
        row["error"] = str(result.error or result.status)
    row["latency_ms"] = round(result.latency_ms, 3)
    return row


def _print(row: dict[str, Any]) -> None:
    if "error" in row:
        out.print(f"{row['status']}: {row['error']}", markup=False, style="red")
        return
    sure = f", {row['confidence']:.0%} sure" if row["confidence"] is not None else ""
    out.print_json(data=row["output"]) if isinstance(row["output"], dict) else out.print(
        row["output"], markup=False
    )
    out.print(f"v{row['program_version']}{sure}, {row['latency_ms']:.3f} ms", style="dim")

"""`try` cells: a version run in the sandbox on inputs given by hand. Nothing is logged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from runtime.config import load_deployment
from runtime.errors import InvalidInputError, Problem
from runtime.models import TaskSpecification
from runtime.sandbox import Limits, Program, Result, Sandbox
from runtime.schema_check import SchemaCheck
from runtime.strict_json import parse_strictly
from workbench.notebook.cells.work import Place, Work
from workbench.notebook.output import CellResult, table_part

#: Between so many inputs the run can be interrupted.
CHUNK = 20


def check_try(place: Place, task: TaskSpecification | None) -> list[dict[str, Any]]:
    """The inputs, held against the task's input schema where there is a task."""
    inputs = [read_input(place, number, line, task) for number, line in place.lines()]
    if not inputs:
        raise place.fail("holds no input.", remedy='Write a line such as {"text": "..."}.')
    return inputs


def run_try(work: Work) -> CellResult:
    """Each input with its output, how sure the program is, and how long it took."""
    task = work.specification()
    inputs = check_try(work.place, task)
    version = work.version()
    results = execute(work, version, inputs)
    outputs = SchemaCheck(task.output_schema, "output_schema")
    rows = []
    failures = 0
    for value, result in zip(inputs, results, strict=True):
        answer, status = answer_of(result, outputs)
        failures += status != "success"
        rows.append((value, answer, status, result.confidence, round(result.latency_ms, 3)))
    columns = ("input", "output", "status", "sure", "ms")
    news = f", {failures} without an answer" if failures else ""
    return CellResult(
        f"{task.name} v{version} on {len(rows)} input{'s' * (len(rows) > 1)}{news}",
        (table_part(columns, rows),),
    )


def read_input(
    place: Place, number: int, line: str, task: TaskSpecification | None
) -> dict[str, Any]:
    """One input from its line. Raises InvalidInputError with the line."""
    try:
        value = parse_strictly(line)
    except ValueError as error:
        raise place.fail(f"{error}.", number, """Write for example {"text": "..."}.""") from None
    if not isinstance(value, dict):
        raise place.fail("an input is a JSON object.", number, 'Write {"text": "..."}.')
    check_value(place, number, value, task)
    return value


def check_value(place: Place, number: int, value: Any, task: TaskSpecification | None) -> None:
    """Raises InvalidInputError when an input breaks the task's schema."""
    if task is None:
        return
    failures = SchemaCheck(task.input_schema, "input_schema").errors(value)
    if failures:
        raise InvalidInputError(
            [
                Problem(f"{each.message}.", place.file, number, "input" + each.path)
                for each in failures
            ]
        )


def answer_of(result: Result, outputs: SchemaCheck) -> tuple[Any, str]:
    """The output or the reason there is none, and the status, as a runtime would log it."""
    if not result.ok:
        return str(result.error or result.status), result.status
    failures = outputs.errors(result.output)
    if failures:
        return f"the output breaks output_schema: {failures[0].message}", "error"
    return result.output, "success"


def execute(work: Work, version: int, inputs: Sequence[dict[str, Any]]) -> list[Result]:
    """A result for each input, under the limits programs are served with."""
    results: list[Result] = []
    with opened_program(work, version) as (sandbox, program):
        for start in range(0, len(inputs), CHUNK):
            work.interruption.check()
            if start:
                work.say(f"{start:,} of {len(inputs):,} inputs", start / len(inputs))
            results.extend(sandbox.run(program, inputs[start : start + CHUNK]))
    return results


@contextmanager
def opened_program(work: Work, version: int) -> Iterator[tuple[Sandbox, Program]]:
    """A version loaded in a sandbox of its own."""
    execution = load_deployment(work.data_dir.deployment_file).execution
    limits = Limits(timeout_ms=execution.timeout_ms, memory_mb=execution.memory_mb)
    source = work.store.program_source(work.task_name(), version)
    with Sandbox(limits=limits) as sandbox:
        yield sandbox, sandbox.load(source)

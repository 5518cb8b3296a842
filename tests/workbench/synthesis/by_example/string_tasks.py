"""The by-example tasks of this folder's YAML files, and how one is solved and checked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from runtime.models import Example, TaskSpecification
from runtime.sandbox import Sandbox
from workbench.synthesis.by_example import solve_text
from workbench.synthesis.fragment import write_program
from workbench.synthesis.kinds import input_fields

HERE = Path(__file__).parent
FILES = ("tasks", "more_tasks", "unseen_tasks")


@dataclass(frozen=True)
class StringTask:
    name: str
    learn: tuple[Example, ...]
    check: tuple[Example, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one task: `missed` are (input, wanted, got)."""

    name: str
    solved: bool
    seconds: float
    lines: int
    missed: tuple[tuple[Any, Any, Any], ...] = ()


def load_tasks(file: str) -> list[StringTask]:
    documents = yaml.safe_load((HERE / f"{file}.yaml").read_text("utf-8"))
    return [
        StringTask(document["task"], _examples(document["learn"]), _examples(document["check"]))
        for document in documents
    ]


def _examples(rows: Sequence[Any]) -> tuple[Example, ...]:
    return tuple(
        Example(input=given if isinstance(given, dict) else {"text": given}, output=wanted)
        for given, wanted in rows
    )


def specification(task: StringTask) -> TaskSpecification:
    return TaskSpecification(
        name=task.name,
        description="Write this as the examples do.",
        input_schema={"type": "object"},
        output_schema={"type": ["string", "null"]},
        examples=task.learn,
    )


def write_best(task: StringTask, seed: int = 0) -> str | None:
    """The source of the best program for the task, or None where nothing was found."""
    spec = specification(task)
    found = solve_text(
        [example.input for example in task.learn],
        [example.output for example in task.learn],
        input_fields(spec, task.learn),
        function="answer",
        seed=seed,
    )
    return write_program(spec, found[0].fragment, "Found by example.") if found else None


def solve_task(task: StringTask, sandbox: Sandbox) -> Outcome:
    """Synthesize from the three examples and run the program on the others in the sandbox."""
    begun = time.perf_counter()
    source = write_best(task)
    seconds = time.perf_counter() - begun
    if source is None:
        return Outcome(task.name, False, seconds, 0)
    rows = [*task.learn, *task.check]
    results = sandbox.run(sandbox.load(source), [example.input for example in rows])
    missed = tuple(
        (example.input, example.output, result.output if result.ok else result.error)
        for example, result in zip(rows, results, strict=True)
        if not result.ok or result.output != example.output
    )
    return Outcome(task.name, not missed, seconds, source.count("\n"), missed)

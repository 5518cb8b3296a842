"""Files beside a task's examples: inputs nobody has labelled, and what a model made of them.

What a model made is kept apart, marked, and never read back as an example.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from runtime.data_dir import DataDir, write_atomic
from runtime.errors import InvalidInputError, Problem
from runtime.models import TaskSpecification
from runtime.schema_check import SchemaCheck
from runtime.strict_json import parse_strictly
from workbench.synthesis.by_model.more_examples import LABELLED, SYNTHETIC, MadeExample

INPUTS = "inputs.jsonl"
FILES = {LABELLED: "labelled.jsonl", SYNTHETIC: "synthetic.jsonl"}
MAX_INPUTS = 1000
MAX_PROBLEMS = 20


def read_unlabelled(data_dir: DataDir, task: TaskSpecification) -> list[dict[str, Any]]:
    """The inputs in `inputs.jsonl`, one a line, plain or as `{"input": ...}`; none without it.

    At most 1,000 are read. Raises InvalidInputError with a problem for each bad line.
    """
    file = data_dir.task(task.name) / INPUTS
    if not file.is_file():
        return []
    check = SchemaCheck(task.input_schema, "input_schema")
    inputs: list[dict[str, Any]] = []
    problems: list[Problem] = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip() or len(inputs) >= MAX_INPUTS:
                continue
            try:
                value = parse_strictly(line)
            except ValueError as error:
                problems.append(Problem(f"{error}.", file, number))
                continue
            if isinstance(value, dict) and value.keys() == {"input"}:
                value = value["input"]
            failures = check.errors(value)
            if failures or not isinstance(value, dict):
                reason = failures[0].message if failures else "is no object"
                problems.append(Problem(f"{reason}.", file, number))
            else:
                inputs.append(value)
    if problems:
        raise InvalidInputError(problems[:MAX_PROBLEMS])
    return inputs


def write_made_examples(
    data_dir: DataDir, name: str, made: Sequence[MadeExample], model: str, run: int
) -> None:
    """`labelled.jsonl` and `synthetic.jsonl`: each line says where it comes from."""
    lines: dict[str, dict[str, str]] = {kind: {} for kind in FILES}
    for each in made:
        example = each.example
        line = {
            "input": example.input,
            "output": example.output,
            "provenance": each.provenance,
            "model": model,
            "run": run,
        }
        text = json.dumps(line, ensure_ascii=False)
        lines[each.provenance].setdefault(json.dumps(example.input, sort_keys=True), text)
    for kind, file in FILES.items():
        if lines[kind]:
            content = "".join(f"{line}\n" for line in lines[kind].values())
            write_atomic(data_dir.task(name) / file, content)

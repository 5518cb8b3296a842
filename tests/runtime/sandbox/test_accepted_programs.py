"""Python as people and models write it means the same inside the sandbox as outside."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from runtime.sandbox import Sandbox, check_source

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))


def inputs_of(source: str) -> list[Any]:
    """The `# input:` lines at the top of a program."""
    lines = source.splitlines()
    return [json.loads(line[len("# input:") :]) for line in lines if line.startswith("# input:")]


def run_outside(source: str, value: Any) -> Any:
    namespace = {"__name__": "program"}
    exec(compile(source, "program.py", "exec"), namespace)
    returned = namespace["run"](copy.deepcopy(value))
    confident = isinstance(returned, tuple) and len(returned) == 2
    output, confidence = returned if confident else (returned, None)
    return json.loads(json.dumps(output)), confidence


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_answers_as_it_does_in_plain_python(sandbox: Sandbox, path: Path) -> None:
    source = path.read_text()
    assert check_source(source) == []
    program = sandbox.load(source)
    inputs = inputs_of(source)
    assert inputs
    for value, result in zip(inputs, sandbox.run(program, inputs), strict=True):
        assert result.error is None
        assert (result.output, result.confidence) == run_outside(source, value)

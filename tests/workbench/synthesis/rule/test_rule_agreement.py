"""Programs written from rules answer exactly what the rules mean, whatever comes in."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_structures import INPUTS, STRUCTURES

from runtime.models import TaskSpecification
from runtime.sandbox import Sandbox
from workbench.synthesis.fragment import write_program
from workbench.synthesis.rule.structures import answer
from workbench.synthesis.rule.write_python import write_python

TASK = TaskSpecification.model_validate(
    {"name": "any", "description": "Any.", "input_schema": {}, "output_schema": {}}
)
SLOW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@SLOW
@given(STRUCTURES, st.lists(INPUTS, min_size=1, max_size=6), st.sampled_from(["", "kind"]))
def test_a_program_answers_what_its_rules_mean(structure, inputs, prefix):
    fragment = write_python(structure, "kind", prefix=prefix)
    names: dict[str, object] = {}
    exec("\n".join([*fragment.imports, fragment.source]), names)
    for data in inputs:
        assert repr(names["kind"](data)) == repr(answer(structure, data))


@SLOW
@given(STRUCTURES, st.lists(INPUTS, min_size=1, max_size=4))
def test_the_gate_admits_every_program_and_none_fails_in_the_sandbox(sandbox, structure, inputs):
    source = write_program(TASK, write_python(structure, "kind", prefix=""), "Rules.")
    results = sandbox.run(sandbox.load(source), inputs)
    assert [result.error for result in results] == [None] * len(inputs)
    assert all(len(line) <= 100 for line in source.splitlines())


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STRUCTURES)
def test_a_linter_finds_no_dead_code_in_a_program(structure):
    source = write_program(TASK, write_python(structure, "kind", prefix=""), "Rules.")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F,E501,E3,W", "-"]
    found = subprocess.run(
        [*command[:-1], "--line-length=100", "--preview", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + source

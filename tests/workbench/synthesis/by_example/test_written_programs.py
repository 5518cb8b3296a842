"""What generated fragments promise: readable, allowed in the sandbox, the same every time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from string_tasks import load_tasks, write_best

from runtime.sandbox import check_source
from workbench.synthesis.by_example import solve_number, solve_text
from workbench.synthesis.kinds import FieldKind, InputField

NAMES = (
    "first-name",
    "date-mixed-to-iso",
    "mask-card",
    "seconds-to-minutes",
    "optional-note",
    "full-name-with-gap",
    "slug-of-a-title",
    "currency-amount-code",
    "name-in-json",
    "pad-invoice-number",
)
TEXT = InputField(("text",), FieldKind.TEXT)


@pytest.fixture(scope="module")
def sources():
    return {task.name: write_best(task) for task in load_tasks("tasks") if task.name in NAMES}


def function_of(source):
    names: dict[str, object] = {}
    exec(source, names)
    return names["run"]


@pytest.mark.parametrize("name", NAMES)
def test_a_program_passes_the_gate_and_keeps_to_the_line_width(sources, name):
    check_source(sources[name])
    assert all(len(line) <= 100 for line in sources[name].splitlines())


@pytest.fixture(scope="module")
def functions(sources):
    return {name: function_of(source) for name, source in sources.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(max_size=60))
def test_a_program_never_raises_whatever_the_text(functions, text):
    for name, run in functions.items():
        if name == "full-name-with-gap":
            answer = run({"first": text, "middle": text[::2], "last": text[1::2]})
        else:
            answer = run({"text": text})
        assert answer is None or isinstance(answer, str), name


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(alphabet="0123456789-/.,:$€% ()#@AaMmPpx\n\"'{}=", max_size=30))
def test_a_program_never_raises_on_text_that_nearly_fits(functions, text):
    for run in functions.values():
        run({"text": text, "first": text, "middle": "", "last": text})


def test_missing_fields_are_answered_too(functions):
    for run in functions.values():
        assert run({}) in (None, "") or isinstance(run({}), str)


def test_all_names_at_module_level_begin_with_the_functions_name():
    found = solve_text(
        [{"text": "5 Mar 2021"}, {"text": "2020-07-25"}, {"text": "1 Dec 1999"}],
        ["2021-03-05", "2020-07-25", "1999-12-01"],
        [TEXT],
        function="shipped_on",
        seed=0,
    )
    for line in found[0].fragment.source.splitlines():
        if line and line[0].isalpha():
            assert line.removeprefix("def ").lower().startswith("shipped_on"), line


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from string_tasks import load_tasks, write_best
for task in load_tasks("tasks"):
    if task.name in {names!r}:
        print(write_best(task))
from workbench.synthesis.by_example import solve_number
from workbench.synthesis.kinds import FieldKind, InputField
inputs = [{{"a": n, "kind": "xyz"[n % 3]}} for n in range(30)]
values = [row["a"] * 2.5 + "xyz".index(row["kind"]) for row in inputs]
fields = [InputField(("a",), FieldKind.NUMBER), InputField(("kind",), FieldKind.CATEGORY)]
print(solve_number(inputs, values, fields, function="price", seed=3)[0].fragment.source)
"""


def test_the_same_examples_give_the_same_bytes_in_every_process():
    here = str(Path(__file__).resolve().parent)
    program = PROGRAM.format(here=here, names=NAMES[:5])
    written = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(written) == 1
    assert b"def price" in next(iter(written))


def test_nothing_to_learn_from_gives_nothing():
    assert solve_text([], [], [TEXT], function="f", seed=0) == []
    assert solve_text([{"text": "a"}], [None], [TEXT], function="f", seed=0) == []
    assert solve_number([{"text": "a"}], [None], [TEXT], function="f", seed=0) == []

"""What the gate refuses, it refuses with line, column and what to do instead."""

from __future__ import annotations

import pytest

from runtime.errors import LoopaiError
from runtime.sandbox import GateError, Refusal, Sandbox, check_source

RUN = "def run(input_data):\n    return 1\n"


def in_run(statement: str) -> str:
    """`statement` on line 2, from column 5."""
    return f"def run(input_data):\n    {statement}\n    return 1\n"


@pytest.mark.parametrize(
    ("statement", "column", "words"),
    [
        ("open('/etc/passwd')", 5, "open is not available: programs do no input or output"),
        ("x = eval('1')", 9, "eval is not available"),
        ("exec('x = 1')", 5, "exec is not available"),
        ("compile('1', '', 'eval')", 5, "compile is not available"),
        ("__import__('os')", 5, "names like '__import__' belong to the interpreter"),
        ("print(1)", 5, "return the value from run"),
        ("input()", 5, "input is not available"),
        ("globals()", 5, "globals is not available"),
        ("locals()", 5, "locals is not available"),
        ("vars()", 5, "vars is not available"),
        ("dir()", 5, "dir is not available"),
        ("setattr(input_data, 'a', 1)", 5, "setattr is not available"),
        ("breakpoint()", 5, "breakpoint is not available"),
        ("super()", 5, "use dicts, tuples or collections.namedtuple"),
        ("memoryview(b'')", 5, "memoryview is not available"),
        ("x = missing + 1", 9, "missing is not defined"),
        ("x = re.compile('a')", 9, "re is not imported; add 'import re'"),
        ("import os", 12, "no access to files, processes or the network"),
        ("import subprocess as sp", 12, "import of subprocess is not available"),
        ("from os import path", 5, "import of os is not available"),
        ("import random", 12, "the same input must always give the same output"),
        ("import numpy as np", 12, "write the arithmetic out"),
        ("import dataclasses", 12, "classes are not available"),
        ("from . import x", 5, "relative imports"),
        ("from string import Formatter", 24, "string.Formatter is not available; string offers"),
        ("from re import enum", 20, "re.enum is not available"),
        ("import collections.sys", 12, "import of collections.sys is not available"),
        ("x = (1).__class__", 9, "underscore (.__class__)"),
        ("input_data._secret", 5, "underscore"),
        ("input_data.x = 1", 5, "attributes cannot be set"),
        ("input_data.x += 1", 5, "attributes cannot be set"),
        ("del input_data.x", 9, "attributes cannot be set or deleted"),
        ("input_data.x: int = 1", 5, "attributes cannot be set"),
        ("for input_data.x in []: pass", 9, "attributes cannot be set"),
        ("(i for i in []).gi_frame", 5, ".gi_frame leads into the interpreter"),
        ("x = [].tb_frame", 9, ".tb_frame leads into the interpreter"),
        ("x = int.mro", 9, ".mro leads into the interpreter"),
        ("global x", 5, "nothing survives from one execution to the next"),
        ("class A: pass", 5, "classes are not available"),
        ("with input_data: pass", 5, "with is not available"),
        ("async def f(): pass", 5, "async functions are not available"),
        ("__hidden = 1", 5, "names like '__hidden' belong to the interpreter; rename it"),
        ("f = lambda __a: 1", 16, "names like '__a'"),
        ("def _f_(): pass", 5, "names like '_f_'"),
        ("dict(_a=1)", 10, "arguments must not begin with an underscore (_a)"),
        ("x = '{0.real}'.format(1)", 9, "must not reach for attributes ({0.real})"),
        ("x = '{a.b.c}'.format(a=1)", 9, "must not reach for attributes"),
        ("x = yield", 9, None),
        ("x = 'äöü€'; open(x)", 17, "open is not available"),
        ("if True\n    pass", 12, "not Python: expected ':'"),
    ],
)
def test_a_refusal_names_line_column_and_remedy(
    statement: str, column: int, words: str | None
) -> None:
    refusals = check_source(in_run(statement))
    if words is None:
        assert refusals == []
        return
    assert [(refusal.line, refusal.column) for refusal in refusals] == [(2, column)]
    assert words in refusals[0].reason


def test_every_refusal_is_reported_in_the_order_of_the_source() -> None:
    source = (
        "import os\nimport re\nX = re.enum\ndef run(x):\n    x._y = open(x)\n    return eval(x)\n"
    )
    assert [(r.line, r.column) for r in check_source(source)] == [
        *((1, 8), (3, 5)),
        *((5, 5), (5, 12), (6, 12)),
    ]


def test_load_raises_the_refusals_as_problems_a_person_can_read(sandbox: Sandbox) -> None:
    with pytest.raises(GateError) as caught:
        sandbox.load("import os\n" + RUN)
    assert isinstance(caught.value, LoopaiError)
    assert caught.value.refusals[0] == Refusal(1, 8, caught.value.refusals[0].reason)
    assert caught.value.problems[0].line == 1
    assert "program.py:1: column 8: import of os is not available" in str(caught.value)


def test_source_without_run_is_refused() -> None:
    assert "no function run" in check_source("def walk(x):\n    return 1\n")[0].reason
    assert check_source("def make():\n    return lambda x: x\nrun = make()\n") == []


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("x = 1\ny = 'a\0b'\n" + RUN, 2, "NUL character"),
        ("x = 1\ny = '\ud800'\n" + RUN, 2, "not text that UTF-8 can hold"),
        ("x = '" + "a" * 10_000_000 + "'\n" + RUN, 1, "at most 1,048,576"),
        ("x = " + "(" * 10_000 + ")" * 10_000 + "\n" + RUN, 1, "too many nested parentheses"),
        ("x = " + "-" * 10_000 + "1\n" + RUN, 1, "nested too deeply"),
        ("x = " + "1+" * 10_000 + "1\n" + RUN, 1, "nested too deeply"),
        ("x = str" + "()" * 10_000 + "\n" + RUN, 1, "nested too deeply"),
        ("x = []" + "[0]" * 10_000 + "\n" + RUN, 1, "nested too deeply"),
        ("x = " + "lambda: " * 10_000 + "1\n" + RUN, 1, "nested too deeply"),
        ("x = " + "not " * 10_000 + "1\n" + RUN, 1, "nested too deeply"),
        ("x = 1\n" + "if x: pass\n" + "elif x: pass\n" * 10_000 + RUN, 1, "nested too deeply"),
        ("x = " + "9" * 10_000 + "\n" + RUN, 1, "Exceeds the limit"),
        ("x = [\n" + RUN, 1, "never closed"),
        ("\tx = 1\n  y = 2\n" + RUN, 1, "unexpected indent"),
        ("", 1, "no function run"),
        ("\ufeff# ok\n", 1, "no function run"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_monstrous_source_is_refused_and_nothing_breaks(source: str, line: int, words: str) -> None:
    refusals = check_source(source)
    assert refusals[0].line == line
    assert words in refusals[0].reason


def test_a_large_generated_table_passes() -> None:
    table = {f"token{number}": (number / 7, -number / 3) for number in range(8_000)}
    source = f"WEIGHTS = {table!r}\ndef run(input_data):\n    return WEIGHTS.get('token1')\n"
    assert len(source) > 280_000
    assert check_source(source) == []


def test_the_launcher_is_dropped_before_anything_is_checked() -> None:
    launcher = "if __name__ == '__main__':\n    import sys\n    sys.exit(print(open('x')))\n"
    assert check_source(RUN + launcher) == []
    assert check_source(RUN + launcher + "else:\n    pass\n") != []


def test_warnings_of_the_compiler_are_kept_quiet() -> None:
    assert check_source("x = '\\d'\ny = 1 is 1\n" + RUN) == []

"""Programs nobody wrote: each is refused, or finishes within its limits, with us alive."""

from __future__ import annotations

import io
import json
import tokenize
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.sandbox import GateError, Limits, Sandbox

from .corpus import read_attacks

TIMEOUT_MS = 100
PROGRAMS = Path(__file__).parents[1] / "runtime" / "sandbox" / "programs"
FUZZ = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    limits = Limits(timeout_ms=TIMEOUT_MS, memory_mb=64, load_timeout_ms=200)
    with Sandbox(limits) as started:
        yield started


INPUT = {"text": "a b", "n": 3, "items": [1, "x", None]}


def must_be_refused_or_finish(sandbox: Sandbox, source: str, value: Any = INPUT) -> None:
    try:
        program = sandbox.load(source)
    except GateError as error:
        assert error.refusals
        assert all(r.line >= 1 and r.column >= 1 and r.reason for r in error.refusals)
        return
    began = monotonic()
    [result] = sandbox.run(program, [value])
    assert monotonic() - began < 5
    assert result.status in ("success", "error", "timeout")
    assert (result.error is None) == (result.status == "success")
    if result.error is not None:
        assert result.error.type != "WorkerLost", result


# A small grammar of Python, with names that lead somewhere and, now and then, one that should not
# ruff: noqa: SIM905 - word lists read better as words


def mostly(good: str, bad: str) -> st.SearchStrategy[str]:
    return st.sampled_from(good.split() * 12 + bad.split())


NAMES = mostly(
    """x y z f CONST TABLE re math len list dict set str int type sorted getattr isinstance map
    Counter defaultdict namedtuple run json partial chain""",
    "open eval __import__ _getattr_ missing",
)
ATTRIBUTES = mostly(
    """append get items pop update format format_map join split real sub compile match groups sort
    copy keys add most_common from_iterable loads name args send close value""",
    "__class__ __dict__ gi_frame obj mro",
)
LITERALS = st.sampled_from(
    ["0", "1", "-3", "2.5", "'a'", "'{0.real}'", "'%s'", "b'x'", "None", "True", "...", "10**9",
     "[]", "{}", "()", "{1}", "'(a+)+$'", "'a' * 30", "float('nan')", "range(5)", "x['items']"]
)  # fmt: skip
OPERATORS = st.sampled_from("+ - * / % ** << | == < in is and".split())


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("({} {} {})".format, inner, OPERATORS, inner),
        st.builds("{}.{}".format, inner, ATTRIBUTES),
        st.builds("{}({})".format, inner, several),
        st.builds("{}.{}({})".format, inner, ATTRIBUTES, several),
        st.builds("{}({}, *{}, **{})".format, NAMES, inner, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}[{}:{}]".format, inner, inner, inner),
        st.builds("[{}]".format, several),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("{{{}, *{}}}".format, inner, inner),
        st.builds("[{} for {} in {}]".format, inner, NAMES, inner),
        st.builds("({} for {} in {} if {})".format, inner, NAMES, inner, inner),
        st.builds("{{{}: {} for {} in {}}}".format, inner, inner, NAMES, inner),
        st.builds("(lambda {}, *a: {})".format, NAMES, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} := {})".format, NAMES, inner),
        st.builds('f"{{{}!r:>{{{}}}}}"'.format, NAMES, NAMES),
        st.builds("(not {})".format, inner),
        st.builds("(yield {})".format, inner),
    )


EXPRESSIONS = st.recursive(st.one_of(NAMES, LITERALS), compound, max_leaves=8)


def indent(block: str) -> str:
    return "\n".join("    " + line for line in block.splitlines())


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    block = st.lists(inner, min_size=1, max_size=3).map("\n".join).map(indent)
    return st.one_of(
        st.builds("if {}:\n{}\nelse:\n{}".format, EXPRESSIONS, block, block),
        st.builds("for {} in {}:\n{}".format, NAMES, EXPRESSIONS, block),
        st.builds("while {}:\n{}".format, EXPRESSIONS, block),
        st.builds("def {}({}, *y, z={}):\n{}".format, NAMES, NAMES, EXPRESSIONS, block),
        st.builds(
            "try:\n{}\nexcept {} as {}:\n{}\nfinally:\n{}".format,
            *(block, st.sampled_from(["Exception", "BaseException", "TypeError"]), NAMES),
            *(block, block),
        ),
        st.builds("match {}:\n    case {{'a': {}}} | [{}, *_]:\n    {}".format,
                  EXPRESSIONS, NAMES, NAMES, block.map(indent)),
        st.builds("match {}:\n    case {}(real={}):\n    {}".format,
                  EXPRESSIONS, NAMES, NAMES, block.map(indent)),
    )  # fmt: skip


SIMPLE = st.one_of(
    EXPRESSIONS,
    st.builds("{} = {}".format, NAMES, EXPRESSIONS),
    st.builds("{}, *{} = {}".format, NAMES, NAMES, EXPRESSIONS),
    st.builds("{}[{}] = {}".format, NAMES, EXPRESSIONS, EXPRESSIONS),
    st.builds("{}[{}] += {}".format, NAMES, EXPRESSIONS, EXPRESSIONS),
    st.builds("{} {}= {}".format, NAMES, st.sampled_from("+-*|"), EXPRESSIONS),
    st.builds("{}: {} = {}".format, NAMES, EXPRESSIONS, EXPRESSIONS),
    st.builds("del {}[{}]".format, NAMES, EXPRESSIONS),
    st.builds("return {}".format, EXPRESSIONS),
    st.builds("raise {}".format, EXPRESSIONS),
    st.builds("import {} as {}".format, mostly("re math", "os"), NAMES),
    st.builds("assert {}, {}".format, EXPRESSIONS, EXPRESSIONS),
    st.just("pass"),
)
STATEMENTS = st.recursive(SIMPLE, nested, max_leaves=6)
HEADER = """
import json, math, re
from collections import Counter, defaultdict, namedtuple
from functools import partial
from itertools import chain
CONST = [1, [2, {"a": {3}}]]
TABLE = {"a": 1.0, "b": 2.0}
y = z = f = None
"""


@FUZZ
@given(st.lists(STATEMENTS, min_size=1, max_size=4), st.lists(SIMPLE, max_size=2), EXPRESSIONS)
def test_a_program_from_the_grammar(
    sandbox: Sandbox, body: list[str], top: list[str], answer: str
) -> None:
    module = "\n".join([HEADER, *top])
    source = f"{module}\ndef run(x):\n{indent(chr(10).join([*body, f'return {answer}']))}\n"
    must_be_refused_or_finish(sandbox, source)


# Known programs and known attacks, with pieces of one put into another

ATTACKS = [attack.source for attack in read_attacks("cases") if attack.family != "exhaustion"]
WHOLE = [path.read_text() for path in sorted(PROGRAMS.glob("*.py"))]


def tokens_of(source: str) -> list[str]:
    try:
        return [token.string for token in tokenize.generate_tokens(io.StringIO(source).readline)]
    except (tokenize.TokenError, SyntaxError):
        return []


WORDS = sorted(
    {token for source in WHOLE + ATTACKS for token in tokens_of(source) if token.strip()}
)
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["replace", "insert", "delete"]),
              st.sampled_from(WORDS)),
    min_size=1, max_size=4,
)  # fmt: skip


@FUZZ
@given(st.sampled_from(WHOLE), EDITS)
def test_a_known_program_with_pieces_changed(
    sandbox: Sandbox, source: str, edits: list[tuple[float, str, str]]
) -> None:
    value = json.loads(source.splitlines()[0].removeprefix("# input:"))
    for where, how, word in edits:
        words = sorted(set(tokens_of(source)) - {""}, key=len) or [" "]
        target = words[min(int(where * len(words)), len(words) - 1)]
        if not target.isidentifier() or not word.isidentifier():
            how = "replace" if target.isidentifier() == word.isidentifier() else "delete"
        replacement = {"replace": word, "insert": f"{target} {word}", "delete": ""}[how]
        source = source.replace(target, replacement, 1)
    must_be_refused_or_finish(sandbox, source, value)


@FUZZ
@given(st.text(max_size=300))
def test_any_text_at_all(sandbox: Sandbox, text: str) -> None:
    must_be_refused_or_finish(sandbox, text)
    must_be_refused_or_finish(sandbox, f"def run(x):\n    return 1\n{text}")

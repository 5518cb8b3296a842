"""One result for each input, in order, whatever the program does."""

from __future__ import annotations

import json
import math
import threading
from time import monotonic
from typing import Any

import pytest

from runtime.errors import LoopaiError
from runtime.sandbox import GateError, Limits, Program, ProgramError, Result, Sandbox

from .conftest import RunSource

MISBEHAVE = """
import re

def forever(depth):
    return forever(depth + 1)

def run(input_data):
    deed = input_data["deed"]
    if deed == "loop":
        while True:
            pass
    if deed == "power":
        return len(str(10 ** 10 ** 8))
    if deed == "pattern":
        return bool(re.match(r"(a+)+$", "a" * 40 + "b"))
    if deed == "bare except":
        while True:
            try:
                while True:
                    pass
            except:
                pass
    if deed == "sum":
        return sum(range(10 ** 10))
    if deed == "memory":
        return len("a" * 10 ** 10)
    if deed == "growing":
        kept = []
        while True:
            kept.append("x" * 1_000_000 + str(len(kept)))
    if deed == "recursion":
        return forever(0)
    if deed == "exit":
        raise SystemExit(3)
    if deed == "interrupt":
        raise KeyboardInterrupt
    if deed == "divide":
        return 1 / 0
    return deed
"""


@pytest.fixture(scope="module")
def quick() -> Any:
    with Sandbox(Limits(timeout_ms=200, memory_mb=64)) as started:
        yield started


@pytest.mark.parametrize("deed", ["loop", "power", "pattern", "bare except", "sum"])
def test_a_program_over_its_time_is_answered_timeout_and_neighbours_are_unharmed(
    quick: Sandbox, deed: str
) -> None:
    program = quick.load(MISBEHAVE)
    quick.prepare(program)
    began = monotonic()
    results = quick.run(program, [{"deed": "a"}, {"deed": deed}, {"deed": "b"}])
    took = monotonic() - began
    assert [result.status for result in results] == ["success", "timeout", "success"]
    assert [results[0].output, results[2].output] == ["a", "b"]
    assert results[1].error == ProgramError("TimeoutError", "ran over its limit of 200 ms")
    assert 0.2 <= took < 1.2  # a busy machine, and the next worker's own start, included


@pytest.mark.parametrize(
    ("deed", "kind", "statement"),
    [
        ("memory", "MemoryError", 'return len("a" * 10 ** 10)'),
        ("growing", "MemoryError", "kept.append"),
        ("recursion", "RecursionError", "return forever(depth + 1)"),
        ("exit", "SystemExit", "raise SystemExit(3)"),
        ("interrupt", "KeyboardInterrupt", "raise KeyboardInterrupt"),
        ("divide", "ZeroDivisionError", "return 1 / 0"),
    ],
)
def test_an_error_says_its_type_and_line(
    sandbox: Sandbox, deed: str, kind: str, statement: str
) -> None:
    program = sandbox.load(MISBEHAVE)
    before, result, after = sandbox.run(program, [{"deed": "a"}, {"deed": deed}, {"deed": "b"}])
    assert result.status == "error"
    assert result.error is not None
    assert result.error.line is not None
    assert result.error.type == kind
    assert statement in MISBEHAVE.splitlines()[result.error.line - 1]
    assert (before.output, after.output) == ("a", "b")


def test_each_of_many_over_time_is_blamed_alone(quick: Sandbox) -> None:
    program = quick.load(MISBEHAVE)
    deeds = ["loop" if at in (3, 7) else f"fine {at}" for at in range(50)]
    results = quick.run(program, [{"deed": deed} for deed in deeds])
    assert [at for at, result in enumerate(results) if result.status == "timeout"] == [3, 7]
    assert [r.output for r in results if r.ok] == [deed for deed in deeds if deed != "loop"]


def test_results_keep_the_order_of_a_large_batch(sandbox: Sandbox) -> None:
    program = sandbox.load("def run(x):\n    return x['n'] * 2\n")
    results = sandbox.run(program, [{"n": number} for number in range(10_000)])
    assert [result.output for result in results] == [2 * number for number in range(10_000)]
    assert all(0 <= result.latency_ms < 1000 for result in results)


def test_no_inputs_give_no_results(sandbox: Sandbox) -> None:
    assert sandbox.run(sandbox.load("def run(x):\n    return x\n"), []) == []


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 2**53, 1.5, "", "é\u2028\U0001f600", [], {}, {"a": [1, {"b": None}]}],
)
def test_json_values_go_in_and_come_out_unchanged(run_source: RunSource, value: Any) -> None:
    result = run_source("def run(x):\n    return x\n", {"value": value})
    assert result.output == {"value": value}
    assert json.dumps(result.output) == json.dumps({"value": value})


@pytest.mark.parametrize(
    ("returned", "output", "confidence"),
    [
        ("'spam', 0.75", "spam", 0.75),
        ("None, 1.0", None, 1.0),
        ("('spam', 0.0)", "spam", 0.0),
        ("'spam', 1", ["spam", 1], None),
        ("'spam', 1.5", ["spam", 1.5], None),
        ("'spam', True", ["spam", True], None),
        ("['spam', 0.5]", ["spam", 0.5], None),
        ("'a', 'b', 0.5", ["a", "b", 0.5], None),
        ("(('a', 0.5), 0.25)", ["a", 0.5], 0.25),
    ],
)
def test_a_pair_with_a_confidence_is_taken_apart(
    run_source: RunSource, returned: str, output: Any, confidence: float | None
) -> None:
    result = run_source(f"def run(x):\n    return {returned}\n")
    assert (result.output, result.confidence) == (output, confidence)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("float('nan')", "the output holds nan"),
        ("{'a': [1.0, float('-inf')]}", "the output holds -inf"),
        ("{1: 2}", "a key that is not a string: 1"),
        ("{'a': {('b', 'c'): 1}}", "not a string: ('b', 'c')"),
        ("{1, 2}", "a set in the output is not JSON; return sorted"),
        ("b'x'", "a bytes in the output"),
        ("(i for i in [])", "a generator in the output"),
        ("lambda: 1", "a function in the output"),
        ("[object()]", "a object in the output"),
        ("'\\ud800'", "lone surrogate"),
        ("'x' * 5_000_000", "larger than 4,194,304 bytes"),
        ("[0] * 5_000_000", "larger than 4,194,304 bytes"),
        ("cyclic()", "nested over 200 deep, or holds itself"),
        ("deep()", "nested over 200 deep, or holds itself"),
    ],
)
def test_an_output_that_is_not_json_is_an_error(
    run_source: RunSource, expression: str, words: str
) -> None:
    source = f"""
def cyclic():
    one = []
    one.append({{"again": one}})
    return one

def deep():
    value = 1
    for i in range(100_000):
        value = [value]
    return value

def run(input_data):
    return {expression}
"""
    result = run_source(source)
    assert result.status == "error"
    assert result.error is not None
    assert result.error.type == "OutputError"
    assert words in result.error.message


def test_an_output_that_explodes_when_written_out_is_stopped(quick: Sandbox) -> None:
    source = """
def run(input_data):
    value = ["laugh"]
    for i in range(40):
        value = [value, value]
    return value
"""
    result = quick.run(quick.load(source), [{}])[0]
    assert result.status in ("timeout", "error")


def test_a_huge_error_message_is_cut(run_source: RunSource) -> None:
    result = run_source("def run(x):\n    raise ValueError('\\ud800' + 'x' * 10_000_000)\n")
    assert result.error is not None
    assert len(result.error.message) < 1100
    assert result.error.line == 2


@pytest.mark.parametrize(
    "value",
    [{"x": {1, 2}.union}, {"x": "\ud800"}, {"x": object()}],
    ids=["a method", "half a character", "an object"],
)
def test_an_input_that_is_not_json_is_an_error_of_that_input(sandbox: Sandbox, value: Any) -> None:
    program = sandbox.load("def run(x):\n    return x['n']\n")
    results = sandbox.run(program, [{"n": 1}, value, {"n": 2}])
    assert [result.status for result in results] == ["success", "error", "success"]
    assert results[1].error is not None
    assert results[1].error.type == "InputError"


def test_an_input_nested_beyond_reason_is_an_error_of_that_input(sandbox: Sandbox) -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    results = sandbox.run(sandbox.load("def run(x):\n    return 1\n"), [{"x": nested}, {}])
    assert [result.status for result in results] == ["error", "success"]


@pytest.mark.parametrize("depth", [500, 900, 960, 980, 990, 1000])
def test_an_input_at_the_edge_of_what_can_be_read_is_nobody_else_s_fault(
    sandbox: Sandbox, depth: int
) -> None:
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    before, result, after = sandbox.run(
        sandbox.load("def run(x):\n    return 1\n"), [{}, {"x": nested}, {}]
    )
    assert (before.output, after.output) == (1, 1)
    assert result.ok or (result.error is not None and result.error.type != "WorkerLost")


def test_inputs_over_the_limit_are_not_sent() -> None:
    with Sandbox(Limits(input_bytes=1000)) as small:
        program = small.load("def run(x):\n    return len(x['text'])\n")
        results = small.run(program, [{"text": "x" * 900}, {"text": "x" * 1100}])
    assert results[0].output == 900
    assert results[1].error is not None
    assert "at most 1,000 may run" in results[1].error.message


def test_large_inputs_and_outputs_pass(sandbox: Sandbox) -> None:
    program = sandbox.load("def run(x):\n    return x['text'][::-1]\n")
    texts = [str(number) * 1_000_000 for number in range(5)]
    results = sandbox.run(program, [{"text": text} for text in texts])
    assert [result.output for result in results] == texts


def test_a_module_level_that_fails_is_told_by_prepare_with_its_line(sandbox: Sandbox) -> None:
    program = sandbox.load("import re\nX = re.compile('(')\ndef run(x):\n    return 1\n")
    with pytest.raises(
        GateError, match=r"program.py:2: .*the module level fails: (error|PatternError): missing"
    ):
        sandbox.prepare(program)
    [result] = sandbox.run(program, [{}])
    assert result.error is not None
    assert result.error.line == 2


@pytest.mark.parametrize("statement", ["while True: pass", "X = sum(range(10 ** 10))"])
def test_a_module_level_that_never_ends_is_stopped(statement: str) -> None:
    with Sandbox(Limits(load_timeout_ms=150)) as sandbox:
        program = sandbox.load(f"{statement}\ndef run(x):\n    return 1\n")
        with pytest.raises(GateError, match="the module level ran over 150 ms"):
            sandbox.prepare(program)
        fine = sandbox.load("def run(x):\n    return 1\n")
        assert sandbox.run(fine, [{}])[0].ok


def test_a_module_level_that_takes_all_memory_is_stopped(sandbox: Sandbox) -> None:
    program = sandbox.load("X = 'a' * 10 ** 10\ndef run(x):\n    return 1\n")
    [result] = sandbox.run(program, [{}])
    assert result.error is not None
    assert result.error.type == "MemoryError"
    assert sandbox.run(sandbox.load("def run(x):\n    return 1\n"), [{}])[0].ok


def test_many_programs_share_a_worker_and_the_oldest_make_room() -> None:
    with Sandbox(Limits(programs_per_worker=3)) as sandbox:
        programs = [sandbox.load(f"def run(x):\n    return {n}\n") for n in range(10)]
        for _ in range(2):
            answers = [sandbox.run(program, [{}])[0].output for program in programs]
            assert answers == list(range(10))


def test_programs_are_named_by_the_hash_of_their_source(sandbox: Sandbox) -> None:
    one, same = (sandbox.load("def run(x):\n    return 1\n") for _ in range(2))
    other = sandbox.load("def run(x):\n    return 2\n")
    assert one == same != other
    assert len(one.digest) == 64
    assert one.source == "def run(x):\n    return 1\n"


@pytest.mark.parametrize("workers", [1, 2])
def test_threads_share_a_sandbox(workers: int) -> None:
    answers: dict[int, list[Result]] = {}
    with Sandbox(workers=workers) as sandbox:

        def work(number: int) -> None:
            program: Program = sandbox.load(f"def run(x):\n    return x['n'] + {number}\n")
            answers[number] = sandbox.run(program, [{"n": n} for n in range(200)])

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number in range(6):
        assert [result.output for result in answers[number]] == [n + number for n in range(200)]


def test_threads_may_prepare_at_the_same_time() -> None:
    with Sandbox(workers=3) as sandbox:
        program = sandbox.load("def run(x):\n    return 1\n")
        threads = [threading.Thread(target=sandbox.prepare, args=(program,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        assert sandbox.run(program, [{}])[0].output == 1


def test_a_closed_sandbox_says_so() -> None:
    sandbox = Sandbox()
    program = sandbox.load("def run(x):\n    return 1\n")
    assert sandbox.run(program, [{}])[0].ok
    sandbox.close()
    with pytest.raises(LoopaiError, match="The sandbox is closed"):
        sandbox.run(program, [{}])


def test_latency_is_the_time_inside_run(run_source: RunSource) -> None:
    result = run_source("def run(x):\n    return sum(i * i for i in range(100_000))\n")
    assert 1 < result.latency_ms < 500


def test_limits_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="timeout_ms must be above 0"):
        Limits(timeout_ms=0)


def test_infinite_inputs_do_not_break_the_batch(sandbox: Sandbox) -> None:
    program = sandbox.load("def run(x):\n    return x['n']\n")
    results = sandbox.run(program, [{"n": math.inf}, {"n": 1}])
    assert results[1].output == 1


def test_what_one_call_returns_is_bounded_in_all() -> None:
    limits = Limits(batch_output_bytes=1_000_000, output_bytes=200_000)
    with Sandbox(limits) as sandbox:
        program = sandbox.load("def run(x):\n    return 'a' * x['n']\n")
        results = sandbox.run(program, [{"n": 100_000}] * 60)
        good = [result for result in results if result.ok]
        assert len(results) == 60
        assert sum(len(result.output) for result in good) < 3_000_000
        assert results[0].ok
        assert results[-1].error is not None
        assert results[-1].error.message == "the outputs are over 1,000,000 bytes"
        assert sandbox.run(program, [{"n": 5}])[0].output == "aaaaa"

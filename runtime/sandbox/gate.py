"""The first wall: decides from source alone what may run, and compiles it.

It never executes anything. What it refuses, it refuses with line, column and reason, all
faults at once.
"""

from __future__ import annotations

import ast
import threading
import warnings
from dataclasses import dataclass, replace
from types import CodeType

from runtime.errors import LoopaiError, Problem
from runtime.sandbox.policy import ProgramPolicy
from runtime.sandbox.refusal import Refusal

MAX_SOURCE_BYTES = 1024 * 1024
FILE_NAME = "program.py"

_parsing = threading.Lock()  # warnings filters are global to the interpreter


class GateError(LoopaiError):
    """Source was refused; `refusals` says where and why, in the order of the source."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__(
            Problem(f"column {refusal.column}: {refusal.reason}", FILE_NAME, refusal.line)
            for refusal in refusals
        )


@dataclass(frozen=True, slots=True)
class GatedCode:
    """Source that passed the gate, ready to execute.

    `contained` are module-level names that functions only read from, `nonlocals` the names
    that inner functions rebind; the loader in the worker process needs both.
    """

    code: CodeType
    contained: frozenset[str]
    nonlocals: frozenset[str]


def check_source(source: str) -> list[Refusal]:
    """Every reason to refuse `source`, in order of line and column; empty when it may run."""
    try:
        pass_gate(source)
    except GateError as error:
        return list(error.refusals)
    return []


def pass_gate(source: str) -> GatedCode:
    """Check and compile `source`.

    Raises:
        GateError: with every refusal found.
    """
    _check_text(source)
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _compile(source)


def place_of_name(source: str, name: str) -> tuple[int, int]:
    """Line and column, from 1, where source that passed the gate first binds `name`."""
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = _parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=bound, ctx=ast.Store()) | ast.FunctionDef(name=bound):
                if bound == name:
                    return node.lineno, node.col_offset + 1
    return 1, 1


def _parse(source: str) -> ast.Module:
    return ast.parse(source.removeprefix("\ufeff"), FILE_NAME)


def _check_text(source: str) -> None:
    try:
        size = len(source.encode())
    except UnicodeEncodeError as error:
        line = source.count("\n", 0, error.start) + 1
        raise GateError([Refusal(line, 1, "the source is not text that UTF-8 can hold")]) from None
    if size > MAX_SOURCE_BYTES:
        reason = f"the source is {size:,} bytes long; at most {MAX_SOURCE_BYTES:,} may run"
        raise GateError([Refusal(1, 1, reason)])
    if "\0" in source:
        position = source.index("\0")
        line = source.count("\n", 0, position) + 1
        column = position - source.rfind("\n", 0, position)
        raise GateError([Refusal(line, column, "the source holds a NUL character; remove it")])


def _compile(source: str) -> GatedCode:
    policy = ProgramPolicy()
    try:
        tree = policy.apply(_parse(source))
        policy.refusals = _in_characters(policy.refusals, source)
        if not _defines_run(tree):
            policy.refusals.append(
                Refusal(1, 1, "no function run at module level; add 'def run(input_data):'")
            )
        if not policy.refusals:
            code = compile(tree, FILE_NAME, "exec", dont_inherit=True)
            return GatedCode(code, frozenset(policy.contained), frozenset(policy.nonlocals))
    except SyntaxError as error:
        reason = f"not Python: {error.msg}"
        policy.refusals.append(Refusal(error.lineno or 1, max(error.offset or 1, 1), reason))
    except (RecursionError, MemoryError):
        policy.refusals.append(
            Refusal(1, 1, "the source is nested too deeply; use a table or loop")
        )
    except ValueError as error:
        policy.refusals.append(Refusal(1, 1, f"not Python: {error}"))
    raise GateError(sorted(set(policy.refusals)))


def _in_characters(refusals: list[Refusal], source: str) -> list[Refusal]:
    """Columns of the syntax tree count bytes; people count characters."""
    if not refusals:
        return []
    lines = source.encode().split(b"\n")
    return [
        replace(refusal, column=len(before.decode(errors="ignore")) + 1)
        for refusal in refusals
        for before in (lines[min(refusal.line, len(lines)) - 1][: refusal.column - 1],)
    ]


def _defines_run(tree: ast.Module) -> bool:
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name="run"):
                return True
            case ast.Assign(targets=targets):
                if any(isinstance(t, ast.Name) and t.id == "run" for t in targets):
                    return True
            case ast.AnnAssign(target=ast.Name(id="run"), value=ast.expr()):
                return True
    return False

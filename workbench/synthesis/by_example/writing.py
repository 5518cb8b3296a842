"""Writes a program found by example as the Python a person would have written for it."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Sequence

from workbench.synthesis.by_example.code import (
    OPERANDS,
    X,
    quote,
    replace_constants,
    replace_helpers,
)
from workbench.synthesis.by_example.concatenation import Concatenation
from workbench.synthesis.by_example.constants import write_constant
from workbench.synthesis.by_example.expression import Expression
from workbench.synthesis.by_example.program import Program
from workbench.synthesis.by_example.snippets import HELPERS
from workbench.synthesis.fragment import Fragment
from workbench.synthesis.kinds import FieldKind, InputField

MAX_INLINE = 64
MODULES = ("datetime", "math", "re", "string", "unicodedata")
_formatted = re.compile(r'f"\{([^{}]*)\}"\Z')
_simple = re.compile(r"[\w.()\[\]+*/% :-]{1,40}\Z")

_search = re.compile(r"(\w+\.search\(\w+\))\[(\d)\]\Z")


def write_program(
    program: Program,
    fields: Sequence[InputField],
    function: str,
    about: str,
    comments: Sequence[str],
) -> Fragment:
    """The program as a fragment; `comments` says of each branch what it covers."""
    writer = _Writer(function, fields)
    return writer.write(program, about, comments)


class _Writer:
    """The names given so far and the constants, helpers and lines written under them."""

    def __init__(self, function: str, fields: Sequence[InputField]) -> None:
        self.function = function
        self.fields = fields
        self.constants: dict[str, str] = {}  # source -> name
        self.helpers: dict[str, str] = {}  # name -> source, callees first
        self.taken: set[str] = set()
        self.variables: dict[int, str] = {}
        self.names: dict[str, str] = {}  # expression key -> local variable
        self.lines: list[str] = []

    def write(self, program: Program, about: str, comments: Sequence[str]) -> Fragment:
        used = {
            node.field
            for branch in program.branches
            for expression in branch.body.expressions
            for node in expression.nodes()
            if node.operation is None
        }
        used |= {b.condition.field for b in program.branches if b.condition is not None}
        if program.absent_field is not None:
            used.add(program.absent_field)
        reads: list[str] = []
        guards: list[str] = []
        for number in sorted(used):
            self.variables[number] = self._new_name(_variable(self.fields[number].path[-1]))
        absent = self._absent(program)
        for number in sorted(used):
            reads.append(self._read(number))
            if self.fields[number].kind is FieldKind.NUMBER and not self._is_tested(
                number, program
            ):
                guards += [
                    f"if {self.variables[number]} is None:",
                    f"    return {program.absent!r}",
                ]
        body = self._branches(program, comments)
        whole = [*reads, *guards, *body]
        if self.helpers or _may_fail(body):
            whole = [
                *reads,
                *guards,
                "try:",
                *(f"    {line}" for line in body),
                "except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):",
                f"    return {absent}  # unlike any example",
            ]
        head = [f"def {self.function}(input_data):", f'    """{about}"""']
        text = "\n".join([*head, *(f"    {line}" if line else "" for line in whole)]) + "\n"
        blocks = []
        if self.constants:
            blocks.append("".join(write_constant(n, s) for s, n in self.constants.items()))
        blocks += [*self.helpers.values(), text]
        source = "\n\n".join(block.rstrip("\n") + "\n" for block in blocks)
        imports = tuple(f"import {name}" for name in MODULES if _uses_module(source, name))
        return Fragment(function=self.function, source=source, imports=imports)

    def _absent(self, program: Program) -> str:
        if program.absent_field is not None:
            return self.variables[program.absent_field]
        return quote(program.absent) if isinstance(program.absent, str) else repr(program.absent)

    def _is_tested(self, number: int, program: Program) -> bool:
        return any(
            branch.condition is not None and branch.condition.field == number
            for branch in program.branches
        )

    def _read(self, number: int) -> str:
        field = self.fields[number]
        holder = "input_data"
        for key in field.path[:-1]:
            holder = f"({holder}.get({quote(key)}) or {{}})"
        empty = ' or ""' if field.kind in (FieldKind.TEXT, FieldKind.CATEGORY) else ""
        return f"{self.variables[number]} = {holder}.get({quote(field.path[-1])}){empty}"

    def _branches(self, program: Program, comments: Sequence[str]) -> list[str]:
        written: list[str] = []
        fields = set(self.taken)
        for number, branch in enumerate(program.branches):
            self.taken = set(fields)
            self.lines = []
            self.names = {}
            result = self._body(branch.body, program)
            lines = [*self.lines, *_return(result)]
            comment = f"  # {comments[number]}" if comments[number] else ""
            if branch.condition is None:
                if comment and len(program.branches) > 1:
                    written.append(comment.strip())
                written += lines
                continue
            test = self._resolve(branch.condition.code)
            test = test.replace(X, self.variables[branch.condition.field])
            line = f"if {test}:{comment}"
            if len(line) > 88:
                written += [comment.strip(), f"if {test}:"]
            else:
                written.append(line)
            written += [f"    {line}" for line in lines]
        return written

    def _body(self, body: Concatenation, program: Program) -> str:
        """The branch's answer as an expression, after the lines that lead up to it."""
        if not body.parts:
            return self._absent(program)
        counts: dict[str, int] = {}
        for expression in body.expressions:
            for node in expression.nodes():
                counts[node.key] = counts.get(node.key, 0) + 1
        if len(body.parts) == 1:
            part = body.parts[0]
            code = quote(part) if isinstance(part, str) else self._code(part, counts)
        else:
            code = self._format_string(body, counts)
        if found := _search.match(code):
            return self._guarded(found, program)
        if program.empty_is_absent:
            return f"{_wrapped(code)} or {self._absent(program)}"
        return code

    def _guarded(self, found: re.Match[str], program: Program) -> str:
        """A search and what to answer where it finds nothing, without an exception."""
        name = self._new_name("match")
        self.lines.append(f"{name} = {found[1]}")
        whole = f"{name}[{found[2]}]"
        if program.empty_is_absent:
            whole = f"({whole} or {self._absent(program)})"
        return f"{whole} if {name} else {self._absent(program)}"

    def _format_string(self, body: Concatenation, counts: dict[str, int]) -> str:
        pieces = []
        for part in body.parts:
            if isinstance(part, str):
                pieces.append(_literal(part))
                continue
            code = self._code(part, counts)
            if found := _formatted.match(code):
                pieces.append("{" + found[1] + "}")
            elif _simple.match(code) and "lambda" not in code and " if " not in code:
                pieces.append("{" + code + "}")
            else:
                pieces.append("{" + self._hoist(part, code) + "}")
        whole = 'f"' + "".join(pieces) + '"'
        if len(whole) <= 80:
            return whole
        rows, row = [], ""
        for piece in pieces:
            if row and len(row) + len(piece) > 70:
                rows.append(row)
                row = ""
            row += piece
        rows.append(row)
        return "(" + "\n".join(f'f"{row}"' for row in rows) + ")"

    def _code(self, expression: Expression, counts: dict[str, int]) -> str:
        if expression.operation is None:
            return self.variables[expression.field]
        if expression.key in self.names:
            return self.names[expression.key]
        searched = self._as_search(expression, counts)
        if searched is not None:
            return searched
        code = self._resolve(expression.operation.code)
        formatted = code.startswith('f"')
        for placeholder, operand in zip(OPERANDS, expression.operands, strict=False):
            inner = self._code(operand, counts)
            used_twice = code.count(placeholder) > 1
            if not inner.isidentifier() and (
                used_twice or (formatted and not _simple.match(inner)) or len(inner) > MAX_INLINE
            ):
                inner = self._hoist(operand, inner)
            code = code.replace(placeholder, _wrapped(inner))
        if counts.get(expression.key, 0) > 1 and not formatted:
            return self._hoist(expression, code)
        return code

    def _as_search(self, expression: Expression, counts: dict[str, int]) -> str | None:
        """`PATTERN.search(x)[n]` for the first of all that a pattern finds."""
        operand = expression.operands[0] if expression.operands else expression
        if (
            expression.operation is None
            or expression.operation.code != f"{X}[0]"
            or operand.operation is None
            or counts.get(operand.key, 0) > 1
            or not operand.operation.code.endswith(f".findall({X})")
        ):
            return None
        pattern = operand.operation.code.removesuffix(f".findall({X})")
        group = 1 if re.search(r"(?<!\\)\((?!\?)", pattern.partition("(")[2]) else 0
        inner = self._code(operand.operands[0], counts)
        if len(inner) > MAX_INLINE:
            inner = self._hoist(operand.operands[0], inner)
        return f"{self._resolve(pattern)}.search({inner})[{group}]"

    def _hoist(self, expression: Expression, code: str) -> str:
        if expression.key not in self.names:
            name = self._new_name(expression.name)
            self.lines += [f"{name} = {code}"]
            self.names[expression.key] = name
        return self.names[expression.key]

    def _new_name(self, wish: str) -> str:
        name, number = wish, 2
        while name in self.taken or keyword.iskeyword(name):
            name, number = f"{wish}_{number}", number + 1
        self.taken.add(name)
        return name

    def _resolve(self, code: str) -> str:
        """The code with its constants and helpers named, and those kept to be written."""
        return replace_helpers(replace_constants(code, self._name_constant), self._name_helper)

    def _name_constant(self, wish: str, source: str) -> str:
        if source not in self.constants:
            name, number = f"{self.function.upper()}_{wish}", 2
            while name in self.constants.values():
                name, number = f"{self.function.upper()}_{wish}_{number}", number + 1
            self.constants[source] = name
        return self.constants[source]

    def _name_helper(self, name: str) -> str:
        full = f"{self.function}_{name}"
        if name not in self.helpers:
            source = self._resolve(HELPERS[name])
            self.helpers[name] = source.replace(f"def {name}(", f"def {full}(")
        return full


def _variable(name: str) -> str:
    """A field's name as a Python variable that shadows nothing."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
    if not plain or plain[0].isdigit() or plain in _RESERVED:
        plain = f"value_{plain}".rstrip("_")
    return plain


_RESERVED = frozenset({"input_data", "word", "mark", "len", "int", "str", "float", "sorted", "list",
                       "dict", "any", "all", "round", "min", "max", *MODULES})  # fmt: skip


def _return(code: str) -> list[str]:
    rows = code.split("\n")
    if len(rows) == 1:
        return [f"return {code}"]
    inner = [rows[0].removeprefix("("), *rows[1:-1], rows[-1].removesuffix(")")]
    return ["return (", *(f"    {row}" for row in inner), ")"]


def _literal(text: str) -> str:
    """A constant as it stands inside a format string in double quotes."""
    special = {"\\": "\\\\", '"': '\\"', "{": "{{", "}": "}}"}
    return "".join(
        special.get(mark, mark if mark.isprintable() else repr(mark)[1:-1]) for mark in text
    )


def _wrapped(code: str) -> str:
    """The code in parentheses where it would bind less tightly than what is put after it."""
    if code.isidentifier():
        return code
    tree = ast.parse(code, mode="eval").body
    tight = (ast.Call, ast.Subscript, ast.Attribute, ast.Name, ast.Constant, ast.JoinedStr,
             ast.List, ast.ListComp, ast.Tuple, ast.Dict)  # fmt: skip
    return code if isinstance(tree, tight) else f"({code})"


def _may_fail(lines: Sequence[str]) -> bool:
    """Whether the lines subscript, convert, divide or format, any of which may raise."""
    text = "\n".join(["def body():", *(f"    {line}" for line in lines)])
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Subscript) and not _is_safe(node):
            return True
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            return True
        if isinstance(node, ast.Div | ast.FloorDiv | ast.Mod | ast.Lt | ast.GtE):
            return True
        if isinstance(node, ast.Call):
            name = (
                node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            )
            if name in {"int", "float", "index", "rindex", "date", "min", "max"}:
                return True
    return False


def _is_safe(node: ast.Subscript) -> bool:
    """Whether it is a slice, a match's group, or the first or last of a text split at a mark."""
    if isinstance(node.slice, ast.Slice) or ast.unparse(node.value).startswith("match"):
        return True
    call = node.value
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("split", "rsplit")
        and bool(call.args)
        and ast.unparse(node.slice) in ("0", "-1")
    )


def _uses_module(source: str, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name for node in ast.walk(ast.parse(source))
    )

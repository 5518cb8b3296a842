"""A program found by example: branches, each a test and what to write then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.synthesis.by_example.compilation import FAILURES, compiled
from workbench.synthesis.by_example.concatenation import Concatenation
from workbench.synthesis.by_example.expression import Expression
from workbench.synthesis.kinds import MISSING, FieldKind, InputField, value_at

Row = tuple[Any, ...]  # the values of the input fields of one example
BRANCH_COST = 6.0


@dataclass(frozen=True, slots=True)
class Condition:
    """A test on one input field: `code` is Python over X that is true or false."""

    code: str
    field: int
    cost: float

    def holds(self, row: Row) -> bool:
        try:
            return bool(compiled(self.code)(row[self.field]))
        except FAILURES:
            return False


@dataclass(frozen=True, slots=True)
class Branch:
    """What to write where `condition` holds; the last branch has none."""

    condition: Condition | None
    body: Concatenation


@dataclass(frozen=True, slots=True)
class Program:
    """Branches tried in order. `absent` is answered where an expression fails.

    That is the text of the field `absent_field` where one is given.
    `empty_is_absent` says that an empty text stands for `absent` too.
    """

    branches: tuple[Branch, ...]
    absent: str | list[Any] | None = ""
    absent_field: int | None = None
    empty_is_absent: bool = False

    @property
    def cost(self) -> float:
        tests = sum(
            BRANCH_COST + branch.condition.cost
            for branch in self.branches
            if branch.condition is not None
        )
        return tests + sum(branch.body.cost for branch in self.branches)

    def choose(self, row: Row) -> int:
        """The number of the branch that answers this row."""
        for number, branch in enumerate(self.branches):
            if branch.condition is None or branch.condition.holds(row):
                return number
        return len(self.branches) - 1

    def answer(self, row: Row) -> Any:
        """What the written program answers; `absent` where it cannot."""
        written = write_parts(self.branches[self.choose(row)].body, row)
        if written is None or (self.empty_is_absent and not written):
            return self.absent if self.absent_field is None else row[self.absent_field]
        return written


def read_row(data: Mapping[str, Any], fields: Sequence[InputField]) -> Row:
    """The values of the fields; a text that is missing reads as empty, a number as None."""
    return tuple(_read(value_at(data, field.path), field.kind) for field in fields)


def _read(value: Any, kind: FieldKind) -> Any:
    value = None if value is MISSING else value
    if kind in (FieldKind.TEXT, FieldKind.CATEGORY):
        return "" if value is None else value
    return tuple(value) if isinstance(value, list) else value


def write_parts(body: Concatenation, row: Row) -> Any:
    """The parts written one after another, or None where one fails; a lone part as it is."""
    if len(body.parts) == 1 and isinstance(body.parts[0], Expression):
        return evaluate(body.parts[0], row)
    texts = []
    for part in body.parts:
        text = part if isinstance(part, str) else evaluate(part, row)
        if text is None:
            return None
        texts.append(text)
    return "".join(texts) if body.parts else None


def evaluate(expression: Expression, row: Row) -> Any:
    """The expression's value on a row, or None where it fails."""
    if expression.operation is None:
        return row[expression.field]
    operands = [evaluate(operand, row) for operand in expression.operands]
    if any(operand is None for operand in operands):
        return None
    function: Callable[..., Any] = compiled(expression.operation.code)
    try:
        return function(*operands)
    except FAILURES:
        return None

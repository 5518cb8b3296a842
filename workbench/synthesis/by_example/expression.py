"""Expressions: an input field carried through a chain of small operations, each with its cost.

A cost is in bits, roughly: how surprised one would be to see a person write that step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from workbench.synthesis.by_example.compilation import FAILURES, compiled


class Kind(StrEnum):
    """What an expression's values are."""

    TEXT = "text"
    WORDS = "words"  # a list of texts
    NUMBER = "number"
    DATE = "date"  # (year, month, day)
    TIME = "time"  # (hour 0-23, minute, second)


Values = tuple[Any, ...]  # one per example; None where the expression fails


@dataclass(frozen=True, slots=True)
class Operation:
    """One step: `code` is Python over X (and Y), `name` a word for its result."""

    code: str
    takes: Kind
    gives: Kind
    cost: float
    name: str


@dataclass(frozen=True, slots=True)
class Expression:
    """`operation` applied to `operands`, or the input field numbered `field`."""

    kind: Kind
    cost: float
    name: str
    field: int = -1
    operation: Operation | None = None
    operands: tuple[Expression, ...] = ()

    def nodes(self) -> Iterator[Expression]:
        """This expression and all below it, operands first."""
        for operand in self.operands:
            yield from operand.nodes()
        yield self

    @property
    def key(self) -> str:
        """A text that is equal for equal expressions only; orders ties."""
        if self.operation is None:
            return f"<{self.field}>"
        inner = ",".join(operand.key for operand in self.operands)
        return f"{self.operation.code}({inner})"


@lru_cache(maxsize=200_000)
def operation(code: str, takes: Kind, gives: Kind, cost: float, name: str) -> Operation:
    return Operation(code, takes, gives, cost, name)


def extend(operand: Expression, step: Operation) -> Expression:
    return Expression(step.gives, operand.cost + step.cost, step.name, -1, step, (operand,))


def apply(step: Operation, values: Values) -> Values:
    """The step on each example's value; None where it fails or had failed before."""
    function = compiled(step.code)
    results: list[Any] = []
    for value in values:
        if value is None:
            results.append(None)
            continue
        try:
            result = function(value)
        except FAILURES:
            result = None
        results.append(tuple(result) if type(result) is list else result)
    return tuple(results)


def apply_pair(step: Operation, left: Values, right: Values) -> Values:
    """The step on each example's two values; None where it fails or one is missing."""
    function = compiled(step.code)
    results: list[Any] = []
    for one, other in zip(left, right, strict=True):
        try:
            results.append(None if one is None or other is None else function(one, other))
        except FAILURES:
            results.append(None)
    return tuple(results)


def true_cost(expressions: Sequence[Expression]) -> float:
    """What the expressions cost together, a shared part paid for once and a little."""
    seen: dict[str, float] = {}
    total = 0.0
    for expression in expressions:
        for node in expression.nodes():
            own = node.cost - sum(operand.cost for operand in node.operands)
            if node.key in seen:
                total += own * 0.25
            else:
                seen[node.key] = own
                total += own
    return total

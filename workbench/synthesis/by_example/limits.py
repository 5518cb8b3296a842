"""Formulas held between a least and a greatest value, such as scores from 0 to 10.

A formula that is right but for what lies beyond these values is held between them. Where several
examples share the least or the greatest number, one is fitted to the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workbench.synthesis.by_example.expression import Expression
from workbench.synthesis.by_example.rates import write_numeral

LEAST_SHARED = 2  # examples at a limit
LEAST_BETWEEN = 4  # examples that tell the formula
LIMIT_COST = 3.0

Limits = tuple[float | None, float | None]


def likely_limits(targets: list[float]) -> Iterator[Limits]:
    """(least, greatest) that may be limits, None for none; the fewest first."""
    if not targets:
        return
    low, high = min(targets), max(targets)
    if low < high:
        yield low, None
        yield None, high
        yield low, high


def between(targets: Sequence[float | None], limits: Limits) -> list[int]:
    """The examples that lie between the limits; none where these are shared by too few, or what
    is left is too little to tell a formula."""
    if any(limit is not None and list(targets).count(limit) < LEAST_SHARED for limit in limits):
        return []
    found = [n for n, value in enumerate(targets) if value is not None and value not in limits]
    return found if len(found) >= LEAST_BETWEEN else []


def limited(made: Expression, limits: Limits) -> Expression:
    """The formula, held between the limits."""
    step = made.operation
    assert step is not None
    low, high = limits
    code, cost = step.code, made.cost
    if high is not None:
        code, cost = f"min({write_numeral(high)}, {code})", cost + LIMIT_COST
    if low is not None:
        code, cost = f"max({write_numeral(low)}, {code})", cost + LIMIT_COST
    return replace(made, cost=cost, operation=replace(step, code=code, cost=cost))

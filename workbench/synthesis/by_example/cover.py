"""Builds branches out of sub-programs that are each right on some of the examples.

Works on sets of examples as bits of whole numbers; knows nothing of texts or numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.synthesis.by_example.concatenation import Concatenation
from workbench.synthesis.by_example.conditions import propose_conditions
from workbench.synthesis.by_example.program import Branch, Condition, Row
from workbench.synthesis.kinds import InputField

MAX_BRANCHES = 8
WRONG_WEIGHT = 6.0  # how many right answers a wrong one spoils
BODY_WEIGHT = 0.02  # right answers that a bit of a body must be worth
CONDITION_WEIGHT = 0.1  # and a bit of a test


def arrange_branches(
    rows: Sequence[Row],
    bodies: Sequence[Concatenation],
    right: Sequence[int],
    fields: Sequence[InputField],
) -> list[Branch]:
    """A decision list over the bodies that is right on as many rows as a greedy choice finds.

    `right[i]` has bit r set where `bodies[i]` is right on row r.
    """
    conditions = [
        (condition, _truth(condition, rows)) for condition in propose_conditions(rows, fields)
    ]
    left = (1 << len(rows)) - 1
    branches: list[Branch] = []
    while len(branches) < MAX_BRANCHES:
        default = _best_body(bodies, right, left)
        if not left & ~right[default]:
            branches.append(Branch(None, bodies[default]))
            return branches
        best = _best_test(conditions, bodies, right, left, default)
        if best is None:
            break
        condition, truth, number = best
        branches.append(Branch(condition, bodies[number]))
        left &= ~truth
    default = _best_body(bodies, right, left)
    branches.append(Branch(None, bodies[default]))
    return branches


def _best_body(bodies: Sequence[Concatenation], right: Sequence[int], left: int) -> int:
    return max(
        range(len(bodies)),
        key=lambda number: ((right[number] & left).bit_count(), -bodies[number].cost, -number),
    )


def _best_test(
    conditions: Sequence[tuple[Condition, int]],
    bodies: Sequence[Concatenation],
    right: Sequence[int],
    left: int,
    default: int,
) -> tuple[Condition, int, int] | None:
    """The condition and body to put next, if they do better than the default would."""
    best: tuple[Condition, int, int] | None = None
    # What the default gets right anyway counts little; what it gets wrong counts in full.
    most = 1.0
    for condition, truth in conditions:
        inside = truth & left
        if not inside or inside == left:
            continue
        spoiled = (inside & right[default]).bit_count()
        for number in range(len(bodies)):
            good = (inside & right[number]).bit_count()
            bad = inside.bit_count() - good
            gain = good - spoiled - WRONG_WEIGHT * bad - CONDITION_WEIGHT * condition.cost
            if number == default:
                # Taking the rows that the default answers leaves the rest to others.
                outside = left & ~inside
                other = max((outside & one).bit_count() for one in right)
                gain = other - (outside & right[default]).bit_count()
                gain -= WRONG_WEIGHT * bad + CONDITION_WEIGHT * condition.cost
            gain -= BODY_WEIGHT * bodies[number].cost
            if gain > most:
                best, most = (condition, truth, number), gain
    return best


def _truth(condition: Condition, rows: Sequence[Row]) -> int:
    return sum(1 << number for number, row in enumerate(rows) if condition.holds(row))

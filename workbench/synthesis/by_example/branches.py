"""Splits examples among several sub-programs by a readable test, as few as will do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.synthesis.by_example.concatenation import Concatenation, Shelf, concatenate
from workbench.synthesis.by_example.conditions import propose_conditions
from workbench.synthesis.by_example.program import BRANCH_COST, Branch, Program, Row
from workbench.synthesis.kinds import InputField

MAX_BRANCHES = 4
MAX_SOLVES = 60
LONE_CONSTANT_COST = 8.0  # a branch that only repeats the one output it was made from


@dataclass
class BranchSearch:
    """Programs over one pool of expressions, for any of its examples' subsets."""

    shelf: Shelf
    rows: Sequence[Row]
    outputs: Sequence[str | None]
    fields: Sequence[InputField]
    solved: dict[tuple[int, ...], Concatenation | None] = field(default_factory=dict)

    def solve(self, group: tuple[int, ...]) -> Concatenation | None:
        """The cheapest straight program for these examples; None where there is none."""
        if group not in self.solved:
            if len(self.solved) > MAX_SOLVES:
                return None
            self.solved[group] = self._solve(group)
        return self.solved[group]

    def ways(self, group: Sequence[int], limit: int) -> list[Concatenation]:
        """The cheapest straight programs, which fail on the examples without an output."""
        present = [index for index in group if self.outputs[index] is not None]
        absent = [index for index in group if self.outputs[index] is None]
        texts = [text for index in present if (text := self.outputs[index]) is not None]
        return concatenate(self.shelf.atoms(present, absent), texts, limit, len(absent))

    def _solve(self, group: tuple[int, ...]) -> Concatenation | None:
        outputs = [self.outputs[index] for index in group]
        texts = [text for text in outputs if text is not None]
        if not texts:
            return Concatenation((), 1.0)
        found = self.ways(group, limit=4)
        if len(group) == 1:
            found = [
                one if one.expressions else Concatenation(one.parts, one.cost + LONE_CONSTANT_COST)
                for one in found
            ]
        return min(found, key=lambda one: one.cost, default=None)

    def branch(self, group: tuple[int, ...], limit: float, depth: int) -> list[Branch] | None:
        """The cheapest branches for these examples that cost less than `limit`."""
        whole = self.solve(group)
        best = [Branch(None, whole)] if whole is not None and whole.cost < limit else None
        limit = min(limit, whole.cost) if whole is not None else limit
        if depth >= MAX_BRANCHES or len(group) < 2:
            return best
        here = [self.rows[index] for index in group]
        for condition in propose_conditions(here, self.fields):
            inside = tuple(index for index in group if condition.holds(self.rows[index]))
            outside = tuple(index for index in group if index not in inside)
            price = BRANCH_COST + condition.cost
            if not inside or not outside or price >= limit:
                continue
            first = self.solve(inside)
            if first is None or price + first.cost >= limit:
                continue
            rest = self.branch(outside, limit - price - first.cost, depth + 1)
            if rest is not None:
                found = [Branch(condition, first), *rest]
                cost = program_cost(found)
                if cost < limit:
                    best, limit = found, cost
        return best


def program_cost(branches: Sequence[Branch]) -> float:
    return Program(tuple(branches)).cost

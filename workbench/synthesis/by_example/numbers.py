"""Solves for a number by example: copies, numbers inside texts, formulas, rates by category.

Looks first for one formula that is exact, then for several told apart by a test. What is only
near is offered too, with the score it has. Uses no model and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.code import X
from workbench.synthesis.by_example.concatenation import Concatenation
from workbench.synthesis.by_example.cover import arrange_branches
from workbench.synthesis.by_example.expression import (
    Expression,
    Kind,
    Values,
    apply,
    extend,
    operation,
)
from workbench.synthesis.by_example.formulas import Formula, fit_formulas
from workbench.synthesis.by_example.limits import between, likely_limits, limited
from workbench.synthesis.by_example.number_features import (
    TEXTS,
    likely_groups,
    number_features,
)
from workbench.synthesis.by_example.pool import grow_pool, sources
from workbench.synthesis.by_example.program import (
    Branch,
    Program,
    Row,
    evaluate,
    read_row,
    write_parts,
)
from workbench.synthesis.by_example.rates import rate_tables, write_numeral
from workbench.synthesis.by_example.subsets import varied_subset
from workbench.synthesis.by_example.terms import Vector
from workbench.synthesis.by_example.writing import write_program
from workbench.synthesis.fragment import RankedFragment
from workbench.synthesis.kinds import InputField
from workbench.synthesis.strategy import Progress

BUDGET = 20_000
SUBSET = 5
ROUNDS = 4
GOOD_ENOUGH = 0.97
LIMIT = 4


def solve_number(
    inputs: Sequence[Mapping[str, Any]],
    values: Sequence[float | None],
    fields: Sequence[InputField],
    *,
    function: str,
    seed: int,
    progress: Progress = lambda message: None,
) -> list[RankedFragment]:
    """Programs that give `values[i]` for `inputs[i]`, best first; none where nothing is found.

    A value of None says that the input holds no such number. The fragments' function is named
    `function`; it answers whole numbers as int where all the values are whole.
    """
    if not fields or all(value is None for value in values):
        return []
    search = NumberSearch(
        [read_row(data, fields) for data in inputs], list(values), fields, seed, progress
    )
    return [search.write(program, function) for program in search.run()[:LIMIT]]


@dataclass
class NumberSearch:
    """The examples as rows of field values, and the numbers wanted of them."""

    rows: list[Row]
    targets: list[float | None]
    fields: Sequence[InputField]
    seed: int
    progress: Progress
    bodies: dict[Concatenation, int] = field(default_factory=dict)  # body -> rows it is right on

    def run(self) -> list[Program]:
        """Programs, best first: by the examples they get right, then by their cost."""
        self._offer(Concatenation((), 1.0))
        for expression in self._from_texts():
            self._offer_expression(expression)
        if self._best_share() == 1.0:
            return [self._program([Branch(None, body)]) for body in self._ranked()]
        features = number_features(self.rows, self.fields)
        known = [number for number, value in enumerate(self.targets) if value is not None]
        self.progress(f"fitting formulas over {len(features)} features")
        formulas = self._fit(features, known)
        for expression in rate_tables(self.rows, self.fields, self.targets, features):
            self._offer_expression(expression)
        if self._best_share() < 1.0:
            self._fit_limited(features, formulas)
        if self._best_share() < 1.0:
            for group in likely_groups(self.rows, self.fields, known):
                self._fit(features, group)
        programs = [self._program([Branch(None, body)]) for body in self._ranked()]
        if self._best_share() < 1.0 and len(self.rows) > 2:
            bodies = self._ranked()[:40]
            right = [self.bodies[body] for body in bodies]
            programs.append(self._program(arrange_branches(self.rows, bodies, right, self.fields)))
        return sorted(dict.fromkeys(programs), key=lambda one: (-self._worth(one), one.cost))

    def _worth(self, program: Program) -> float:
        """Right answers, less what further branches must be worth to be believed."""
        return sum(self.judge(program)) - 0.3 * (len(program.branches) - 1)

    def judge(self, program: Program) -> list[bool]:
        """For each example whether the program gets it right."""
        return [
            same_number(program.answer(row), target)
            for row, target in zip(self.rows, self.targets, strict=True)
        ]

    def _offer_expression(self, expression: Expression) -> None:
        self._offer(Concatenation((expression,), expression.cost))

    def _offer(self, body: Concatenation) -> None:
        right = 0
        for number, (row, target) in enumerate(zip(self.rows, self.targets, strict=True)):
            if same_number(write_parts(body, row), target):
                right |= 1 << number
        if right:
            self.bodies[body] = right

    def _ranked(self) -> list[Concatenation]:
        order = sorted(self.bodies, key=lambda body: (-self.bodies[body].bit_count(), body.cost))
        return [body for body in order if body.parts or len(order) == 1] + [
            body for body in order if not body.parts and len(order) > 1
        ]

    def _best_share(self) -> float:
        return max(right.bit_count() for right in self.bodies.values() or [0]) / len(self.rows)

    def _from_texts(self) -> list[Expression]:
        """Expressions that read the number itself out of a text."""
        if not any(one.kind in TEXTS for one in self.fields):
            return []
        wanted = [None if t is None else write_numeral(t) for t in self.targets]
        chosen = varied_subset(self.rows, wanted, SUBSET, self.seed)
        found: dict[Expression, int] = {}
        for _ in range(ROUNDS):
            for expression in self._read_numbers(chosen, wanted):
                right = self._right_rows(expression)
                found.setdefault(expression, sum(right))
            if not found:
                break
            best = max(found, key=lambda one: (found[one], -one.cost))
            right = self._right_rows(best)
            wrong = [n for n, ok in enumerate(right) if not ok and n not in chosen]
            if not wrong:
                # A simpler one that is nearly always right may have a still better relation.
                near = [one for one in found if found[one] >= 0.85 * len(self.rows)]
                simplest = min(near, key=lambda one: one.cost, default=best)
                if simplest.cost + 2.0 < best.cost:
                    right = self._right_rows(simplest)
                    wrong = [n for n, ok in enumerate(right) if not ok and n not in chosen]
            if not wrong:
                break
            chosen = sorted({*chosen, wrong[0]})
        return sorted(found, key=lambda one: (-found[one], one.cost))[:12]

    def _right_rows(self, expression: Expression) -> list[bool]:
        return [
            same_number(evaluate(expression, row), target)
            for row, target in zip(self.rows, self.targets, strict=True)
        ]

    def _read_numbers(
        self, chosen: Sequence[int], wanted: Sequence[str | None]
    ) -> list[Expression]:
        rows = [self.rows[number] for number in chosen]
        outputs = tuple(wanted[number] for number in chosen)
        targets = [self.targets[number] for number in chosen]
        pool = grow_pool(sources(rows, self.fields), Clues(outputs), BUDGET)
        whole = all(target is None or float(target).is_integer() for target in self.targets)
        read = operation(
            f"int({X})" if whole else f"float({X})", Kind.TEXT, Kind.NUMBER, 1.0, "number"
        )
        found: list[tuple[bool, float, Expression]] = []
        for (kind, values), made in pool.entries.items():
            if kind is Kind.NUMBER:
                made_number, numbers = made, values
                if whole and not any(isinstance(value, int) for value in values):
                    made_number = extend(made, operation(f"int({X})", kind, kind, 1.0, "number"))
            elif kind is Kind.TEXT and _may_be(values, outputs):
                made_number, numbers = extend(made, read), apply(read, values)
            else:
                continue
            hits = [same_number(n, t) for n, t in zip(numbers, targets, strict=True)]
            present = [ok for ok, t in zip(hits, targets, strict=True) if t is not None]
            if present and all(present):
                found.append((not all(hits), made_number.cost, made_number))
        found.sort(key=lambda item: item[:2])
        return [made for _, _, made in found[:10]]

    def _fit(
        self, features: Sequence[tuple[Expression, Vector]], rows: Sequence[int]
    ) -> list[Formula]:
        if not rows:
            return []
        index = np.array(rows)
        targets = np.array([self.targets[number] for number in rows], dtype=np.float64)
        there = [(made, vector[index]) for made, vector in features]
        # A part of many examples is no task of few: there a doubtful formula is a table.
        found = fit_formulas(there, targets, doubtful=len(rows) == len(self.rows))
        for formula in found:
            self._offer_expression(formula.expression)
        return found

    def _fit_limited(
        self, features: Sequence[tuple[Expression, Vector]], formulas: Sequence[Formula]
    ) -> None:
        """Formulas that hold between a least and a greatest value."""
        for limits in likely_limits([value for value in self.targets if value is not None]):
            for formula in formulas:
                self._offer_expression(limited(formula.expression, limits))
            rows = between(self.targets, limits)
            index = np.array(rows, dtype=np.intp)
            there = [(made, vector[index]) for made, vector in features]
            for formula in fit_formulas(there, np.array([self.targets[row] for row in rows])):
                self._offer_expression(limited(formula.expression, limits))

    def _program(self, branches: Sequence[Branch]) -> Program:
        return Program(tuple(branches), None)

    def write(self, program: Program, function: str) -> RankedFragment:
        """The program as Python, with what it covers in its comments and notes."""
        right = self.judge(program)
        total = len(right)
        took = [program.choose(row) for row in self.rows]
        covered = [number for number, ok in zip(took, right, strict=True) if ok]
        many = len(program.branches)
        comments = [
            f"{covered.count(number)} of {total} examples" if many > 1 else ""
            for number in range(many)
        ]
        about = f"Found by example: exact on {sum(right)} of {total}."
        fragment = write_program(program, self.fields, function, about, comments)
        notes = [f"Exact on {sum(right)} of {total} examples."]
        wrong = [str(index + 1) for index, ok in enumerate(right) if not ok]
        if wrong and len(wrong) <= max(3, total // 20):
            notes.append(f"Contradicted by: example {', '.join(wrong)}.")
        score = max(0.0, (sum(right) + 1 - 0.5 * many) / (total + 1))
        title = "a formula" if many == 1 else f"{many} formulas"
        return RankedFragment(
            replace(fragment, notes=tuple(notes)), score, title, tuple(notes), program
        )


def same_number(got: Any, wanted: float | None) -> bool:
    """Whether the two are the same number but for rounding in the last digits."""
    if wanted is None or got is None:
        return got is wanted
    if isinstance(got, bool) or not isinstance(got, int | float):
        return False
    return abs(got - wanted) <= max(1e-9, 1e-6 * abs(wanted))


def _may_be(values: Values, outputs: Sequence[str | None]) -> bool:
    return all(
        output is None or (isinstance(value, str) and output in value)
        for value, output in zip(values, outputs, strict=True)
    )

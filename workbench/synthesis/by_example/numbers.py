"""Solves for a number by example: copies, numbers inside texts, formulas, rates by category.

Looks first for one formula that is exact, then for several told apart by a test. What is only
near is offered too, with the score it has. Uses no model and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.code import X, Y, constant, quote, regex
from workbench.synthesis.by_example.concatenation import Concatenation
from workbench.synthesis.by_example.cover import arrange_branches
from workbench.synthesis.by_example.expression import (
    Expression,
    Kind,
    Operation,
    Values,
    apply,
    extend,
    operation,
)
from workbench.synthesis.by_example.formulas import Formula, Vector, fit_formulas
from workbench.synthesis.by_example.pool import grow_pool, sources
from workbench.synthesis.by_example.program import (
    Branch,
    Program,
    Row,
    evaluate,
    read_row,
    write_parts,
)
from workbench.synthesis.by_example.subsets import varied_subset
from workbench.synthesis.by_example.writing import write_program
from workbench.synthesis.fragment import RankedFragment
from workbench.synthesis.kinds import FieldKind, InputField
from workbench.synthesis.strategy import Progress

BUDGET = 20_000
SUBSET = 5
ROUNDS = 4
MAX_TEXT_FEATURES = 8
MAX_GROUP_FIELDS = 6
GOOD_ENOUGH = 0.97
LIMIT = 4
DECIMALS = re.compile(r"\d+(?:\.\d+)?")
NUMBER = regex("NUMBER", DECIMALS.pattern)
TEXTS = (FieldKind.TEXT, FieldKind.CATEGORY)


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
        features = self._features()
        known = [number for number, value in enumerate(self.targets) if value is not None]
        self.progress(f"fitting formulas over {len(features)} features")
        self._fit(features, known)
        self._offer_tables(features, known)
        if self._best_share() < 1.0:
            for group in self._groups(known):
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
        wanted = [None if t is None else _written(t) for t in self.targets]
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

    def _features(self) -> list[tuple[Expression, Vector]]:
        """The numbers that formulas may use: fields, truth values, lengths, numbers in texts."""
        found: list[Expression] = []
        for number, one in enumerate(self.fields):
            name = one.path[-1]
            if one.kind in (FieldKind.NUMBER, FieldKind.BOOLEAN):
                found.append(Expression(Kind.NUMBER, 0.5, name, number))
            elif one.kind is FieldKind.OTHER:
                whole = Expression(Kind.WORDS, 0.5, name, number)
                for code, cost in ((f"len({X})", 1.5), (f"sum({X})", 1.5), (f"max({X})", 2.0),
                                   (f"min({X})", 2.0)):  # fmt: skip
                    found.append(
                        extend(whole, operation(code, Kind.WORDS, Kind.NUMBER, cost, name))
                    )
            elif one.kind is FieldKind.TEXT:
                found += self._text_features(number, name)
        vectors = [(made, self._vector(made)) for made in found]
        return [(made, vector) for made, vector in vectors if not np.isnan(vector).all()]

    def _text_features(self, number: int, name: str) -> list[Expression]:
        text = Expression(Kind.TEXT, 0.5, name, number)
        found = [
            extend(text, operation(f"len({X})", Kind.TEXT, Kind.NUMBER, 2.0, "length")),
            extend(text, operation(f"len({X}.split())", Kind.TEXT, Kind.NUMBER, 2.5, "words")),
        ]
        texts = [row[number] for row in self.rows if isinstance(row[number], str)]
        places = min((len(DECIMALS.findall(t)) for t in texts), default=0)
        whole = not any("." in part for t in texts for part in DECIMALS.findall(t))
        read = f"int({NUMBER}.findall({X})[%d])" if whole else f"float({NUMBER}.findall({X})[%d])"
        for place in range(min(places, MAX_TEXT_FEATURES)):
            step = operation(read % place, Kind.TEXT, Kind.NUMBER, 2.0, "number")
            found.insert(place, extend(text, step))
        return found

    def _vector(self, made: Expression) -> Vector:
        values = [evaluate(made, row) for row in self.rows]
        return np.array(
            [float(v) if isinstance(v, int | float) else np.nan for v in values], dtype=np.float64
        )

    def _fit(
        self, features: Sequence[tuple[Expression, Vector]], rows: Sequence[int]
    ) -> list[Formula]:
        if not rows:
            return []
        index = np.array(rows)
        targets = np.array([self.targets[number] for number in rows], dtype=np.float64)
        there = [(made, vector[index]) for made, vector in features]
        found = fit_formulas(there, targets)
        for formula in found:
            self._offer_expression(formula.expression)
        return found

    def _groups(self, known: Sequence[int]) -> list[list[int]]:
        """Rows that may share a formula: of one category, one answer, or close in a number."""
        groups: dict[tuple[int, ...], None] = {}
        for number, one in list(enumerate(self.fields))[:MAX_GROUP_FIELDS]:
            if one.kind in (FieldKind.CATEGORY, FieldKind.BOOLEAN, FieldKind.TEXT):
                by_value: dict[Any, list[int]] = {}
                for row in known:
                    by_value.setdefault(self.rows[row][number], []).append(row)
                if len(by_value) <= 12:
                    groups.update(dict.fromkeys(tuple(rows) for rows in by_value.values()))
            elif one.kind is FieldKind.NUMBER:
                ordered = sorted(known, key=lambda row: (self.rows[row][number] or 0, row))
                size = max(4, min(12, len(ordered) // 5))
                for start in range(0, len(ordered) - size + 1, max(1, size)):
                    groups.setdefault(tuple(ordered[start : start + size]))
        return [list(group) for group in groups]

    def _offer_tables(
        self, features: Sequence[tuple[Expression, Vector]], known: Sequence[int]
    ) -> None:
        """A value or a rate for each category: a look-up, times or plus a feature."""
        targets = np.array([self.targets[number] for number in known], dtype=np.float64)
        for number, one in enumerate(self.fields):
            if one.kind not in TEXTS:
                continue
            keys = [self.rows[row][number] for row in known]
            if not 2 <= len(set(keys)) <= max(2, len(keys) // 2):
                continue
            source = Expression(Kind.TEXT, 0.5, one.path[-1], number)
            name = one.path[-1].upper() if one.path[-1].isidentifier() else "TABLE"
            index = np.array(known)
            forms: list[tuple[str, tuple[Expression, ...], Vector]] = [("{table}", (), targets)]
            for made, vector in features:
                there = vector[index]
                if not np.isnan(there).any():
                    forms.append((f"{{table}} + {Y}", (made,), targets - there))
                    if np.all(there != 0):
                        forms.append((f"{{table}} * {Y}", (made,), targets / there))
            for form, others, wanted in forms:
                table = _table(keys, wanted)
                if table is None:
                    continue
                rows = ", ".join(f"{quote(str(k))}: {_written(v)}" for k, v in table.items())
                looked_up = constant(f"{name}_VALUES", "{" + rows + "}") + f"[{X}]"
                self._offer_wrapped(form.format(table=looked_up), (source, *others), len(table))

    def _offer_wrapped(self, code: str, operands: tuple[Expression, ...], size: int) -> None:
        places = max((len(_written(t).partition(".")[2]) for t in self.targets if t), default=0)
        for wrap in ("{}", f"round({{}}, {places})" if places else "round({})"):
            step = Operation(wrap.format(code), Kind.NUMBER, Kind.NUMBER, 4.0 + 3 * size, "result")
            cost = step.cost + sum(operand.cost for operand in operands)
            self._offer_expression(Expression(Kind.NUMBER, cost, "result", -1, step, operands))

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


def _written(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _may_be(values: Values, outputs: Sequence[str | None]) -> bool:
    return all(
        output is None or (isinstance(value, str) and output in value)
        for value, output in zip(values, outputs, strict=True)
    )


def _table(keys: Sequence[Any], wanted: Vector) -> dict[Any, float] | None:
    """One round value for each key, if nearly all rows of a key agree on it."""
    groups: dict[Any, list[float]] = {}
    for key, value in zip(keys, wanted, strict=True):
        groups.setdefault(key, []).append(float(value))
    table: dict[Any, float] = {}
    for key in sorted(groups, key=str):
        middle = float(np.median(groups[key]))
        for digits in range(1, 9):
            rounded = float(f"{middle:.{digits}g}")
            if abs(rounded - middle) <= 2e-3 * max(abs(middle), 1e-9):
                break
        near = [abs(value - rounded) <= 5e-3 * max(abs(rounded), 1e-9) for value in groups[key]]
        if sum(near) < 0.8 * len(near):
            return None
        table[key] = rounded
    return table

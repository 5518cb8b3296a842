"""Finds small formulas with round coefficients that give numbers exactly, or nearly so.

Least squares over few terms, chosen one by one; then coefficients are rounded for as long as
the formula stays right. A row that contradicts the rest is left out of the fit, not followed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from workbench.synthesis.by_example.code import OPERANDS
from workbench.synthesis.by_example.expression import Expression, Kind, Operation
from workbench.synthesis.by_example.terms import Term, Vector, make_terms

MAX_TERMS = 4
MAX_FEATURES = 14
TRIMS = 3
EXACT = 1e-7
FEW = 5  # rows up to which an exact formula is better than none, though it may be chance


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression and its values on the rows; `right` where they equal the targets."""

    expression: Expression
    values: Vector
    right: tuple[bool, ...]

    @property
    def hits(self) -> int:
        return sum(self.right)


def fit_formulas(
    features: Sequence[tuple[Expression, Vector]],
    targets: Vector,
    limit: int = 3,
    *,
    doubtful: bool = False,
) -> list[Formula]:
    """The best formulas over these features, by rows they get exactly right, then simplicity.

    Shapes: every vector has one value per row (NaN where the feature fails there). `doubtful`:
    where nothing better is found for few rows, also what may have learned them by heart.
    """
    usable = [item for item in features if not np.isnan(item[1]).any()][:MAX_FEATURES]
    if not len(targets):
        return []
    columns = [
        (term, column)
        for term, column in make_terms([vector for _, vector in usable])
        if np.isfinite(column).all() and np.ptp(column) > 0
    ]
    fit = _Fit(usable, columns, targets)
    found = fit.search(doubtful=doubtful)
    found.sort(key=lambda one: (-one.hits, one.expression.cost))
    return found[:limit]


class _Fit:
    """One search over sets of terms for one vector of targets."""

    def __init__(
        self,
        features: Sequence[tuple[Expression, Vector]],
        columns: Sequence[tuple[Term, Vector]],
        targets: Vector,
    ) -> None:
        self.features = features
        self.columns = columns
        self.targets = targets
        self.places = max((_places(value) for value in targets), default=0)
        self.unit = 10.0**-self.places
        self.scale = float(np.max(np.abs(targets))) or 1.0
        self.found: dict[str, Formula] = {}
        self.doubtful: dict[str, Formula] = {}

    def search(self, *, doubtful: bool) -> list[Formula]:
        rows = len(self.targets)
        self._offer_constant()
        chosen: list[tuple[int, ...]] = [()]
        for size in range(1, MAX_TERMS + 1):
            if rows < size + 1 and not (size == 1 and rows >= 1):
                break
            scored: list[tuple[float, float, tuple[int, ...]]] = []
            tried: set[tuple[int, ...]] = set()
            for base in chosen:
                for number in range(len(self.columns)):
                    subset = tuple(sorted({*base, number}))
                    if len(subset) != size or subset in tried:
                        continue
                    tried.add(subset)
                    error = self._offer(subset, intercept=False) if rows > size else math.inf
                    if size == 1 and rows <= 2:
                        error = self._offer(subset, intercept=False, free=False)
                    if rows > size + 1:
                        error = min(error, self._offer(subset, intercept=True))
                    cost = sum(self.columns[index][0].cost for index in subset)
                    scored.append((error * (1 + 0.02 * cost), cost, subset))
            if self._is_solved():
                break
            scored.sort()
            chosen = [subset for _, _, subset in scored[:6]]
        if doubtful and rows <= FEW and not self._is_solved():
            return [*self.found.values(), *self.doubtful.values()]
        return list(self.found.values())

    def _is_solved(self) -> bool:
        return any(one.hits >= 0.97 * len(self.targets) for one in self.found.values())

    def _offer_constant(self) -> None:
        values, counts = np.unique(self.targets, return_counts=True)
        value = float(values[int(np.argmax(counts))])
        code = _numeral(value)
        vector = np.full(len(self.targets), value)
        self._keep(code, (), 2.0 + 0.5 * len(code), vector)

    def _offer(self, subset: tuple[int, ...], *, intercept: bool, free: bool = True) -> float:
        """Fits one set of terms; returns the root mean square error of the free fit."""
        matrix = np.column_stack([self.columns[index][1] for index in subset])
        if intercept:
            matrix = np.column_stack([matrix, np.ones(len(self.targets))])
        if not free:
            self._try_rounded(subset, np.ones(matrix.shape[1]), matrix, intercept=intercept)
            return math.inf
        kept = np.arange(len(self.targets))
        error = math.inf
        for turn in range(TRIMS):
            weights, _, rank, _ = np.linalg.lstsq(matrix[kept], self.targets[kept], rcond=None)
            if rank < matrix.shape[1]:
                return math.inf
            residuals = np.abs(matrix @ weights - self.targets)
            if turn == 0:
                error = float(np.sqrt(np.mean(residuals**2)))
            if intercept and len(subset) == 1 and weights[0]:
                self._try_offset(subset[0], float(weights[0]), float(weights[1]))
            if self._try_rounded(subset, weights, matrix, intercept=intercept):
                break
            allowed = max(matrix.shape[1] + 2, int(len(self.targets) * 0.95))
            if len(self.targets) < 12 or float(np.median(residuals)) > 0.2 * self.scale:
                break
            kept = np.argsort(residuals, kind="stable")[: max(allowed - 2 * turn, 3)]
        return error

    def _try_rounded(
        self, subset: tuple[int, ...], weights: Vector, matrix: Vector, *, intercept: bool
    ) -> bool:
        """Rounds the weights as far as the answers allow; keeps the formula if it is exact."""
        residuals = np.abs(matrix @ weights - self.targets)
        if np.mean(residuals <= 0.6 * self.unit + EXACT * self.scale) < 0.85:
            return False  # not even the free weights come near enough
        before = None
        for digits in range(1, 9):
            rounded = np.array([_round_to(weight, digits) for weight in weights])
            rounded[np.max(np.abs(matrix * rounded), axis=0) < 0.5 * self.unit] = 0.0
            if before is not None and np.array_equal(before, rounded):
                continue
            before = rounded
            values = matrix @ rounded
            for code, answers, slack in self._rounders(values):
                right = np.abs(answers - self.targets) <= EXACT * self.scale + slack
                if right.mean() >= 0.9:
                    self._write(subset, rounded, intercept=intercept, wrap=code, values=answers)
                    return True
        return False

    def _try_offset(self, number: int, slope: float, shift: float) -> None:
        """Tries (term - offset) * slope, the slope a fraction, as conversions are written."""
        term, column = self.columns[number]
        fraction = Fraction(slope).limit_denominator(12)
        offset = _round_to(-shift / slope, 2)
        if fraction.denominator in (1, 2, 4, 5, 10) or not offset:
            return
        values = (column - offset) * fraction.numerator / fraction.denominator
        for wrap, answers, slack in self._rounders(values):
            right = np.abs(answers - self.targets) <= EXACT * self.scale + slack
            if right.mean() >= 0.9:
                over = f" * {fraction.numerator}" if fraction.numerator != 1 else ""
                shifted = f"({term.code}{_signed(-offset, '', first=False)})"
                code = f"{shifted}{over} / {fraction.denominator}"
                self._keep(wrap.format(code), term.features, term.cost + 4.0, answers, slack)
                return

    def _rounders(self, values: Vector) -> Iterator[tuple[str, Vector, float]]:
        """(code, answers, how far off they may be): which way a half is rounded says nothing."""
        yield "{}", values, 0.0
        if self.places:
            yield f"round({{}}, {self.places})", values, 0.5 * self.unit
        else:
            yield "round({})", values, 0.5 * self.unit
            yield "math.floor({})", np.floor(values + 1e-9), 0.0
            yield "math.ceil({})", np.ceil(values - 1e-9), 0.0

    def _write(
        self,
        subset: tuple[int, ...],
        weights: Vector,
        *,
        intercept: bool,
        wrap: str,
        values: Vector,
    ) -> None:
        used = list(
            dict.fromkeys(
                feature
                for index, weight in zip(subset, weights, strict=False)
                if weight
                for feature in self.columns[index][0].features
            )
        )
        code, cost = "", 0.0
        for index, weight in zip(subset, weights, strict=False):
            if not weight:
                continue
            term = self.columns[index][0]
            places = {OPERANDS[n]: OPERANDS[used.index(f)] for n, f in enumerate(term.features)}
            written = "".join(places.get(mark, mark) for mark in term.code)
            code += _signed(float(weight), written, first=not code)
            cost += term.cost + 1.0 + (0.0 if weight == 1 else 0.7 * len(_numeral(float(weight))))
        if intercept and weights[-1]:
            code += _signed(float(weights[-1]), "", first=not code)
            cost += 1.0 + 0.7 * len(_numeral(float(weights[-1])))
        if code:
            found = self.found if self._is_believable([*weights]) else self.doubtful
            whole = code if wrap == "{}" else wrap.format(code)
            slack = 0.5 * self.unit if wrap.startswith("round") else 0.0
            self._keep(whole, tuple(used), cost + 1.5 * (wrap != "{}"), values, slack, found)

    def _is_believable(self, weights: Sequence[float]) -> bool:
        """Whether the weights say less than the answers: else they only repeat them.

        A weight of one says nothing.
        """
        digits = sum(
            len(_numeral(abs(float(w))).strip("0.").replace(".", ""))
            for w in weights
            if w and abs(w) != 1
        )
        said = 3.3 * digits + math.log2(len(self.columns) + 1) * sum(bool(w) for w in weights)
        known = float(np.sum(np.log2(np.abs(self.targets) / self.unit + 2.0)))
        return said < 0.8 * known

    def _keep(
        self,
        code: str,
        used: tuple[int, ...],
        cost: float,
        values: Vector,
        slack: float = 0.0,
        found: dict[str, Formula] | None = None,
    ) -> None:
        operands = tuple(self.features[number][0] for number in used)
        cost += sum(operand.cost for operand in operands)
        step = Operation(code, Kind.NUMBER, Kind.NUMBER, cost, "result")
        near = np.abs(values - self.targets) <= EXACT * self.scale + slack
        right = tuple(bool(ok) for ok in near)
        made = Expression(Kind.NUMBER, cost, "result", -1, step, operands)
        found = self.found if found is None else found
        found.setdefault(made.key, Formula(made, values, right))


def _places(value: float) -> int:
    """Decimal places of a number as it is written, at most 6."""
    text = f"{value:.6f}".rstrip("0")
    return len(text.split(".")[1])


def _round_to(value: float, digits: int) -> float:
    """The value to so many significant digits; what is next to nothing is nothing."""
    if abs(value) < 1e-9:
        return 0.0
    return float(f"{value:.{digits}g}")


def _numeral(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(round(value, 10))


def _signed(weight: float, written: str, *, first: bool) -> str:
    """`+ weight * written`, without what goes without saying."""
    sign = ("-" if weight < 0 else "") if first else (" - " if weight < 0 else " + ")
    size = _numeral(abs(weight))
    if not written:
        return sign + size
    return sign + (written if size == "1" else f"{size} * {written}")

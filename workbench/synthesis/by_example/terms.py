"""The terms a formula may be a weighted sum of: features, their products, ratios and the like."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.synthesis.by_example.code import OPERANDS

Vector = NDArray[np.floating[Any]]
MAX_PRODUCTS = 6  # features of which products and ratios are formed


@dataclass(frozen=True, slots=True)
class Term:
    """A product, ratio or the like of features; `code` has their operands by position."""

    code: str
    features: tuple[int, ...]
    cost: float


def make_terms(vectors: Sequence[Vector]) -> list[tuple[Term, Vector]]:
    """The terms over these features, each with its values; not all of those are finite.

    Shapes: every vector has one value per row.
    """
    found: list[tuple[Term, Vector]] = []
    a, b, c = OPERANDS[:3]
    with np.errstate(all="ignore"):
        for i, x in enumerate(vectors):
            found.append((Term(a, (i,), 1.0), x))
        for i, x in enumerate(vectors[:MAX_PRODUCTS]):
            found.append((Term(f"{a} * {a}", (i,), 3.0), x * x))
            for divisor in (60, 7, 24, 10, 100, 1000, 12):
                if np.all(x == np.floor(x)) and np.max(np.abs(x)) >= divisor:
                    found.append((Term(f"({a} // {divisor})", (i,), 4.5), x // divisor))
                    found.append((Term(f"({a} % {divisor})", (i,), 4.5), x % divisor))
            if np.all(x > 0):
                found.append((Term(f"1 / {a}", (i,), 4.0), 1 / x))
        for i, j in itertools.permutations(range(min(len(vectors), MAX_PRODUCTS)), 2):
            x, y = vectors[i], vectors[j]
            if i < j:
                found.append((Term(f"{a} * {b}", (i, j), 2.0), x * y))
                found.append((Term(f"min({a}, {b})", (i, j), 3.0), np.minimum(x, y)))
                found.append((Term(f"max({a}, {b})", (i, j), 3.0), np.maximum(x, y)))
                found.append((Term(f"abs({a} - {b})", (i, j), 3.0), np.abs(x - y)))
            if np.all((y >= 0) & (y <= 100)) and np.max(y) > 1:
                for sign in "-+":  # so many per cent off, or on top
                    share = (100 - y if sign == "-" else 100 + y) / 100
                    found.append((Term(f"{a} * (100 {sign} {b}) / 100", (i, j), 4.0), x * share))
            if np.all(y != 0):
                found.append((Term(f"{a} / {b}", (i, j), 2.5), x / y))
                found.append((Term(f"{a} / ({b} * {b})", (i, j), 4.0), x / (y * y)))
        for i, j, k in itertools.combinations(range(min(len(vectors), MAX_PRODUCTS)), 3):
            product = vectors[i] * vectors[j] * vectors[k]
            found.append((Term(f"{a} * {b} * {c}", (i, j, k), 3.5), product))
    return found

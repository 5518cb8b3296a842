"""The numbers that formulas may use, and the examples that may share a formula."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.synthesis.by_example.code import X, regex
from workbench.synthesis.by_example.expression import Expression, Kind, extend, operation
from workbench.synthesis.by_example.program import Row, evaluate
from workbench.synthesis.by_example.terms import Vector
from workbench.synthesis.kinds import FieldKind, InputField

MAX_TEXT_FEATURES = 8
MAX_GROUP_FIELDS = 6
WINDOW = 6  # rows next to each other in a number that may share a formula
MAX_WINDOWS = 40
DECIMALS = re.compile(r"\d+(?:\.\d+)?")
NUMBER = regex("NUMBER", DECIMALS.pattern)
TEXTS = (FieldKind.TEXT, FieldKind.CATEGORY)


def number_features(
    rows: Sequence[Row], fields: Sequence[InputField]
) -> list[tuple[Expression, Vector]]:
    """The numbers that formulas may use: fields, truth values, lengths, numbers in texts."""
    found: list[Expression] = []
    for number, one in enumerate(fields):
        name = one.path[-1]
        if one.kind in (FieldKind.NUMBER, FieldKind.BOOLEAN):
            found.append(Expression(Kind.NUMBER, 0.5, name, number))
        elif one.kind is FieldKind.OTHER:
            whole = Expression(Kind.WORDS, 0.5, name, number)
            for code, cost in ((f"len({X})", 1.5), (f"sum({X})", 1.5), (f"max({X})", 2.0),
                               (f"min({X})", 2.0)):  # fmt: skip
                found.append(extend(whole, operation(code, Kind.WORDS, Kind.NUMBER, cost, name)))
        elif one.kind is FieldKind.TEXT:
            found += _text_features(rows, number, name)
    vectors = [(made, _vector(made, rows)) for made in found]
    return [(made, vector) for made, vector in vectors if not np.isnan(vector).all()]


def _text_features(rows: Sequence[Row], number: int, name: str) -> list[Expression]:
    text = Expression(Kind.TEXT, 0.5, name, number)
    found = [
        extend(text, operation(f"len({X})", Kind.TEXT, Kind.NUMBER, 2.0, "length")),
        extend(text, operation(f"len({X}.split())", Kind.TEXT, Kind.NUMBER, 2.5, "words")),
    ]
    texts = [row[number] for row in rows if isinstance(row[number], str)]
    places = min((len(DECIMALS.findall(t)) for t in texts), default=0)
    whole = not any("." in part for t in texts for part in DECIMALS.findall(t))
    read = f"int({NUMBER}.findall({X})[%d])" if whole else f"float({NUMBER}.findall({X})[%d])"
    for place in range(min(places, MAX_TEXT_FEATURES)):
        step = operation(read % place, Kind.TEXT, Kind.NUMBER, 2.0, "number")
        found.insert(place, extend(text, step))
    return found


def _vector(made: Expression, rows: Sequence[Row]) -> Vector:
    values = [evaluate(made, row) for row in rows]
    return np.array(
        [float(v) if isinstance(v, int | float) else np.nan for v in values], dtype=np.float64
    )


def likely_groups(
    rows: Sequence[Row], fields: Sequence[InputField], known: Sequence[int]
) -> list[list[int]]:
    """Rows that may share a formula: of one category, one answer, or close in a number."""
    groups: dict[tuple[int, ...], None] = {}
    for number, one in list(enumerate(fields))[:MAX_GROUP_FIELDS]:
        if one.kind in (FieldKind.CATEGORY, FieldKind.BOOLEAN, FieldKind.TEXT):
            by_value: dict[Any, list[int]] = {}
            for row in known:
                by_value.setdefault(rows[row][number], []).append(row)
            if len(by_value) <= 12:
                groups.update(dict.fromkeys(tuple(group) for group in by_value.values()))
        elif one.kind is FieldKind.NUMBER:
            ordered = sorted(known, key=lambda row: (rows[row][number] or 0, row))
            for size in (WINDOW, 2 * WINDOW):
                step = max(size // 2, len(ordered) // MAX_WINDOWS)
                for start in range(0, len(ordered) - size + 1, step):
                    groups.setdefault(tuple(ordered[start : start + size]))
    return [list(group) for group in groups]

"""A value or a rate for each category: a look-up, by itself or times or plus a feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from workbench.synthesis.by_example.code import X, Y, constant, quote
from workbench.synthesis.by_example.expression import Expression, Kind, Operation
from workbench.synthesis.by_example.number_features import TEXTS
from workbench.synthesis.by_example.program import Row
from workbench.synthesis.by_example.terms import Vector
from workbench.synthesis.kinds import InputField

CLOSE = 5e-3  # how far, relatively, a row may be from its category's value: answers are rounded


def rate_tables(
    rows: Sequence[Row],
    fields: Sequence[InputField],
    targets: Sequence[float | None],
    features: Sequence[tuple[Expression, Vector]],
) -> Iterator[Expression]:
    """Expressions that look up a number by a category, where one number fits each of them."""
    known = [number for number, target in enumerate(targets) if target is not None]
    wanted = np.array([targets[number] for number in known], dtype=np.float64)
    index = np.array(known)
    for number, one in enumerate(fields):
        keys = [rows[row][number] for row in known]
        if one.kind not in TEXTS or not 2 <= len(set(keys)) <= max(2, len(keys) // 2):
            continue
        source = Expression(Kind.TEXT, 0.5, one.path[-1], number)
        name = one.path[-1].upper() if one.path[-1].isidentifier() else "TABLE"
        forms: list[tuple[str, tuple[Expression, ...], Vector]] = [("{table}", (), wanted)]
        for made, vector in features:
            there = vector[index]
            if not np.isnan(there).any():
                forms.append((f"{{table}} + {Y}", (made,), wanted - there))
                if np.all(there != 0):
                    forms.append((f"{{table}} * {Y}", (made,), wanted / there))
        for form, others, values in forms:
            table = _table(keys, values)
            if table is None:
                continue
            written = ", ".join(f"{quote(str(k))}: {write_numeral(v)}" for k, v in table.items())
            looked_up = constant(f"{name}_VALUES", "{" + written + "}") + f"[{X}]"
            yield from _wrapped(form.format(table=looked_up), (source, *others), table, wanted)


def _wrapped(
    code: str, operands: tuple[Expression, ...], table: dict[Any, float], wanted: Vector
) -> Iterator[Expression]:
    places = max(len(write_numeral(float(value)).partition(".")[2]) for value in wanted)
    for wrap in ("{}", f"round({{}}, {places})" if places else "round({})"):
        cost = 4.0 + 3 * len(table)
        step = Operation(wrap.replace("{}", code), Kind.NUMBER, Kind.NUMBER, cost, "result")
        total = cost + sum(operand.cost for operand in operands)
        yield Expression(Kind.NUMBER, total, "result", -1, step, operands)


def write_numeral(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


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
        near = [abs(value - rounded) <= CLOSE * max(abs(rounded), 1e-9) for value in groups[key]]
        if sum(near) < 0.8 * len(near):
            return None
        table[key] = rounded
    return table

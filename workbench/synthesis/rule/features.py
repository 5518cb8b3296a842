"""The conditions worth trying on a set of inputs.

Reads inputs only, never labels, so that one table serves every fold of a cross-validation.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.synthesis.kinds import FieldKind, InputField
from workbench.synthesis.rule.conditions import (
    Compares,
    Condition,
    Difference,
    IsMissing,
    IsMultiple,
    IsOneOf,
    Number,
    Quantity,
    Ratio,
    Reading,
    SameText,
    holds,
)
from workbench.synthesis.rule.table import Column, FeatureTable, make_table
from workbench.synthesis.rule.text_features import text_columns
from workbench.synthesis.rule.thresholds import MAX_CUTS, cut_points

MULTIPLES = (2, 3, 4, 5, 7, 10, 100, 400)
MAX_CUT_COLUMNS = 1000  # for all number fields together, but for the least that each gets
LEAST_CUTS = 8
MAX_DIVIDED = 3  # number fields, up to which multiples are tried: most numbers are not counted off
MAX_PAIRED = 8  # number fields, up to which ratios and differences of all pairs are tried


def build_table(inputs: Sequence[Mapping[str, Any]], fields: Sequence[InputField]) -> FeatureTable:
    """The table of every condition worth trying, in a fixed order."""
    readings = [Reading(data) for data in inputs]
    numbers = sum(field.kind is FieldKind.NUMBER for field in fields)
    cuts = min(MAX_CUTS, max(LEAST_CUTS, MAX_CUT_COLUMNS // max(1, numbers)))
    columns = [column for field in fields for column in _field_columns(field, readings, cuts)]
    return make_table([*columns, *_arithmetic_columns(fields, readings)], len(inputs))


def _field_columns(field: InputField, readings: Sequence[Reading], cuts: int) -> Iterator[Column]:
    path = field.path
    if field.optional:
        yield _evaluated(IsMissing(path), readings)
    match field.kind:
        case FieldKind.BOOLEAN:
            yield _evaluated(IsOneOf(path, (True,)), readings)
            if field.optional:
                yield _evaluated(IsOneOf(path, (False,)), readings)
        case FieldKind.CATEGORY:
            yield from _value_columns(field, readings)
        case FieldKind.NUMBER:
            yield from _cuts(Number(path), readings, cuts)
        case FieldKind.TEXT | FieldKind.OTHER:
            yield from text_columns(readings, path)


def _value_columns(field: InputField, readings: Sequence[Reading]) -> Iterator[Column]:
    rows: dict[Any, list[int]] = {value: [] for value in field.values}
    for row, reading in enumerate(readings):
        value = reading.value(field.path)
        if isinstance(value, str) and value in rows:
            rows[value].append(row)
    for value, found in rows.items():
        condition = IsOneOf(field.path, (value,))
        yield Column(condition, np.array(found, dtype=np.int32), ("value", field.path))


def _arithmetic_columns(
    fields: Sequence[InputField], readings: Sequence[Reading]
) -> Iterator[Column]:
    numbers = [field.path for field in fields if field.kind is FieldKind.NUMBER]
    if len(numbers) <= MAX_DIVIDED:
        for path in numbers:
            values = quantity_values(Number(path), readings)
            if np.all(np.isnan(values) | (values == np.floor(values))):
                for of in MULTIPLES:
                    yield replace(_evaluated(IsMultiple(path, of), readings), rich=True)
    if len(numbers) <= MAX_PAIRED:
        for one, other in itertools.combinations(numbers, 2):
            yield from _cuts(Ratio(one, other), readings, rich=True)
            yield from _cuts(Difference(one, other), readings, rich=True)
    texts = [f.path for f in fields if f.kind in (FieldKind.TEXT, FieldKind.CATEGORY)]
    for one, other in itertools.combinations(texts, 2):
        yield _evaluated(SameText(one, other), readings)


def _cuts(
    quantity: Quantity, readings: Sequence[Reading], most: int = MAX_CUTS, *, rich: bool = False
) -> Iterator[Column]:
    """A column for each threshold the quantity is worth comparing with."""
    values = quantity_values(quantity, readings)
    yield from cut_columns(quantity, values, cut_points(values, most), rich=rich)


def quantity_values(quantity: Quantity, readings: Sequence[Reading]) -> NDArray[np.float64]:
    """(n,): the quantity of each input, NaN where it is missing."""
    return np.array([reading.quantity(quantity) for reading in readings], dtype=np.float64)


def cut_columns(
    quantity: Quantity, values: NDArray[np.float64], cuts: Sequence[float], *, rich: bool = False
) -> Iterator[Column]:
    """A column `quantity > cut` for each cut."""
    total = not bool(np.isnan(values).any())
    for cut in cuts:
        rows = np.flatnonzero(values > cut).astype(np.int32)
        yield Column(Compares(quantity, ">", cut), rows, total=total, rich=rich)


def _evaluated(condition: Condition, readings: Sequence[Reading]) -> Column:
    found = [place for place, reading in enumerate(readings) if holds(condition, reading)]
    return Column(condition, np.array(found, dtype=np.int32))

"""A second look at the numbers a structure compares with, now at every gap near them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.synthesis.rule.conditions import Compares, Quantity, Reading
from workbench.synthesis.rule.features import cut_columns, quantity_values
from workbench.synthesis.rule.structures import Structure, leaf_conditions
from workbench.synthesis.rule.table import Column, FeatureTable, make_table
from workbench.synthesis.rule.thresholds import MAX_CUTS, cuts_near, distinct_values


def sharpened(
    table: FeatureTable, inputs: Sequence[Mapping[str, Any]], structure: Structure
) -> FeatureTable | None:
    """The table with more cuts around those that the structure uses; None if there are none.

    `table` is of these inputs. It was cut at few places; a cut that proved useful may stand
    better a little aside.
    """
    used: dict[Quantity, set[float]] = {}
    for condition in leaf_conditions(structure):
        if isinstance(condition, Compares):
            used.setdefault(condition.quantity, set()).add(condition.value)
    readings = [Reading(data) for data in inputs]
    known = {c for c in table.conditions if isinstance(c, Compares)}
    columns: list[Column] = []
    for quantity, cuts in used.items():
        values = quantity_values(quantity, readings)
        most = -(-len(distinct_values(values)[0]) // MAX_CUTS)
        near = sorted({finer for cut in cuts for finer in cuts_near(values, cut, most)})
        made = cut_columns(quantity, values, near)
        columns.extend(column for column in made if column.condition not in known)
    return table.beside(make_table(columns, len(inputs))) if columns else None

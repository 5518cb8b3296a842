"""Tests on the columns of a feature table, which induction combines into rules."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench.synthesis.rule.conditions import (
    Compares,
    Condition,
    HasTerms,
    IsOneOf,
    Matches,
    Not,
)
from workbench.synthesis.rule.table import FeatureTable, Mask


@dataclass(frozen=True, slots=True)
class Literal:
    """At least so many of these columns hold, or (`negated`) fewer do."""

    columns: tuple[int, ...]
    at_least: int = 1
    negated: bool = False

    def mask(self, table: FeatureTable) -> Mask:
        """(n,) where the literal holds."""
        if len(self.columns) == 1:
            found = table.column(self.columns[0])
        else:
            counts = sum(table.column(column).astype(np.int64) for column in self.columns)
            found = np.asarray(counts >= self.at_least)
        return ~found if self.negated else found

    def as_condition(self, table: FeatureTable) -> Condition:
        """The same test on an input."""
        conditions = [table.conditions[column] for column in self.columns]
        merged = conditions[0] if len(conditions) == 1 else _merge(conditions, self.at_least)
        if not self.negated:
            return merged
        return negate(merged, total=bool(table.total[list(self.columns)].all()))


def _merge(conditions: list[Condition], at_least: int) -> Condition:
    """Conditions of one family as one; only terms may need more than one to hold."""
    first = conditions[0]
    if isinstance(first, HasTerms):
        terms = [term for c in conditions if isinstance(c, HasTerms) for term in c.terms]
        return HasTerms(first.path, tuple(sorted(terms)), at_least)
    if isinstance(first, IsOneOf):
        values = [value for c in conditions if isinstance(c, IsOneOf) for value in c.values]
        return replace(first, values=tuple(sorted(values, key=str)))
    assert isinstance(first, Matches)
    patterns = [c.pattern for c in conditions if isinstance(c, Matches)]
    names = [c.name for c in conditions if isinstance(c, Matches)]
    return Matches(first.path, "|".join(patterns), " or ".join(names))


def negate(condition: Condition, *, total: bool) -> Condition:
    """The opposite, in the plainest form; `total` says that no number in it is ever missing."""
    match condition:
        case Not(inner):
            return inner
        case Compares(quantity, ">", value) if total:
            return Compares(quantity, "<=", value)
        case Compares(quantity, "<=", value) if total:
            return Compares(quantity, ">", value)
        case _:
            return Not(condition)

"""What the three ways of induction learn, behind one face: predict on a table, become plain data.

A prediction's `strength` orders predictions by how far they may be trusted; calibration turns
it into a probability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.synthesis.rule.conditions import HasTerms
from workbench.synthesis.rule.list_induction import DraftList, DraftRule
from workbench.synthesis.rule.literals import Literal, negate
from workbench.synthesis.rule.score_induction import DraftScore
from workbench.synthesis.rule.structures import (
    ConditionPoints,
    DecisionList,
    Outcome,
    PointScore,
    Rule,
    Split,
    Structure,
    TermPoints,
    Tree,
)
from workbench.synthesis.rule.table import ALONE, Codes, FeatureTable
from workbench.synthesis.rule.tree_induction import DraftLeaf, DraftTree, leaves

Strengths = NDArray[np.float64]
Confidence = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Sure:
    """Calibration: ascending (least strength, confidence) steps."""

    steps: tuple[tuple[float, float], ...]

    def __call__(self, strength: float) -> float:
        reached = [confidence for least, confidence in self.steps if strength >= least]
        return reached[-1] if reached else self.steps[0][1]


class Model(Protocol):
    """A trained model."""

    def predict(self, table: FeatureTable) -> tuple[Codes, Strengths]:
        """(class number (n,), strength (n,)) of each input."""
        ...

    def structure(self, table: FeatureTable, labels: Sequence[Any], sure: Sure) -> Structure:
        """The model as plain data. `labels` names the class numbers."""
        ...


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a rule or leaf decided on the training examples, and how often rightly."""

    support: int
    correct: int

    def strength(self, classes: int) -> float:
        """Laplace's estimate of its precision."""
        return (self.correct + 1) / (self.support + classes)


def _tally(label: int, classes: Codes) -> Tally:
    return Tally(len(classes), int((classes == label).sum()))


@dataclass(frozen=True, slots=True)
class ListModel:
    draft: DraftList
    tallies: tuple[Tally, ...]
    classes: int

    @classmethod
    def fitted(cls, draft: DraftList, table: FeatureTable, classes: Codes, count: int) -> ListModel:
        _, deciding = draft.decide(table)
        given = [rule.label for rule in draft.rules] + [draft.default]
        tallies = [_tally(label, classes[deciding == n]) for n, label in enumerate(given)]
        return cls(draft, tuple(tallies), count)

    def predict(self, table: FeatureTable) -> tuple[Codes, Strengths]:
        labels, deciding = self.draft.decide(table)
        strengths = np.array([tally.strength(self.classes) for tally in self.tallies])
        return labels, strengths[deciding]

    def structure(self, table: FeatureTable, labels: Sequence[Any], sure: Sure) -> DecisionList:
        outcomes = [
            _outcome(labels[label], tally, self.classes, sure)
            for label, tally in zip(
                [*(rule.label for rule in self.draft.rules), self.draft.default],
                self.tallies,
                strict=True,
            )
        ]
        rules = [
            Rule(tuple(literal.as_condition(table) for literal in rule.literals), outcome)
            for rule, outcome in zip(self.draft.rules, outcomes[:-1], strict=True)
        ]
        return DecisionList(tuple(rules), outcomes[-1])


def merge_neighbours(draft: DraftList, families: Codes) -> DraftList:
    """Neighbouring rules for one class, each of one mergeable column, as one "any of" rule."""
    merged: list[DraftRule] = []
    for rule in draft.rules:
        before = merged[-1] if merged else None
        if before and before.label == rule.label and _mergeable(before, rule, families):
            columns = (*before.literals[0].columns, *rule.literals[0].columns)
            together = Literal(tuple(sorted(set(columns))))
            merged[-1] = DraftRule((together,), rule.label)
        else:
            merged.append(rule)
    return DraftList(tuple(merged), draft.default)


def _mergeable(one: DraftRule, other: DraftRule, families: Codes) -> bool:
    literals = (*one.literals, *other.literals)
    if len(literals) != 2 or any(each.negated or each.at_least > 1 for each in literals):
        return False
    found = {int(families[column]) for each in literals for column in each.columns}
    return len(found) == 1 and ALONE not in found


@dataclass(frozen=True, slots=True)
class TreeModel:
    draft: DraftTree
    tallies: tuple[Tally, ...]
    classes: int

    @classmethod
    def fitted(cls, draft: DraftTree, table: FeatureTable, classes: Codes, count: int) -> TreeModel:
        tallies = [_tally(leaf.label, classes[rows]) for leaf, rows in leaves(draft, table)]
        return cls(draft, tuple(tallies), count)

    def predict(self, table: FeatureTable) -> tuple[Codes, Strengths]:
        labels = np.zeros(table.inputs, dtype=np.int64)
        strengths = np.zeros(table.inputs)
        for (leaf, rows), tally in zip(leaves(self.draft, table), self.tallies, strict=True):
            labels[rows], strengths[rows] = leaf.label, tally.strength(self.classes)
        return labels, strengths

    def structure(self, table: FeatureTable, labels: Sequence[Any], sure: Sure) -> Tree:
        tallies = iter(self.tallies)

        def convert(part: DraftTree) -> Tree:
            if isinstance(part, DraftLeaf):
                return _outcome(labels[part.label], next(tallies), self.classes, sure)
            condition = table.conditions[part.column]
            yes, no = convert(part.yes), convert(part.no)
            if isinstance(no, Outcome) and not isinstance(yes, Outcome):
                total = bool(table.total[part.column])
                return Split(negate(condition, total=total), no, yes)  # the short side first
            return Split(condition, yes, no)

        return convert(self.draft)


@dataclass(frozen=True, slots=True)
class ScoreModel:
    draft: DraftScore

    def predict(self, table: FeatureTable) -> tuple[Codes, Strengths]:
        totals = self.draft.totals(table)
        ordered = np.sort(totals, axis=1)
        return totals.argmax(axis=1), (ordered[:, -1] - ordered[:, -2]).astype(np.float64)

    def structure(self, table: FeatureTable, labels: Sequence[Any], sure: Sure) -> PointScore:
        groups: dict[tuple[Any, int, int], list[str]] = {}
        single: list[ConditionPoints] = []
        for column, row in zip(self.draft.columns, self.draft.points, strict=True):
            condition = table.conditions[column]
            for place in np.flatnonzero(row):
                points = int(row[place])
                if isinstance(condition, HasTerms):
                    groups.setdefault((condition.path, int(place), points), []).extend(
                        condition.terms
                    )
                else:
                    single.append(ConditionPoints(condition, int(place), points))
        terms = [
            TermPoints(path, tuple(sorted(found)), place, points)
            for (path, place, points), found in sorted(
                groups.items(), key=lambda item: (item[0][0], item[0][1], -item[0][2])
            )
        ]
        start = zip(labels, (int(points) for points in self.draft.start), strict=True)
        steps = tuple((int(least), confidence) for least, confidence in sure.steps)
        return PointScore(tuple(start), (*single, *terms), steps)


def _outcome(label: Any, tally: Tally, classes: int, sure: Sure) -> Outcome:
    return Outcome(label, tally.support, tally.correct, sure(tally.strength(classes)))

"""What induction finds, as plain data, and what each of them answers.

Labels are JSON values. A confidence is a calibrated probability in [0, 1] that the answer is
right, estimated on training examples only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.synthesis.kinds import Path
from workbench.synthesis.rule.conditions import (
    AllOf,
    AnyOf,
    Condition,
    HasTerms,
    Leaf,
    Not,
    Reading,
    holds,
)
from workbench.synthesis.rule.text import find_terms

Answer = tuple[Any, float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A label given to `support` training examples, of which `correct` have it."""

    label: Any
    support: int
    correct: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions must hold; no conditions always hold."""

    conditions: tuple[Condition, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class DecisionList:
    """The first rule that holds decides, else `default`. No default answers None."""

    rules: tuple[Rule, ...]
    default: Outcome | None


@dataclass(frozen=True, slots=True)
class Split:
    condition: Condition
    yes: Tree
    no: Tree


Tree = Split | Outcome


@dataclass(frozen=True, slots=True)
class TermPoints:
    """Points for each of the terms that occurs in the text, once however often it does."""

    path: Path
    terms: tuple[str, ...]
    place: int
    points: int


@dataclass(frozen=True, slots=True)
class ConditionPoints:
    """Points when the condition holds."""

    condition: Condition
    place: int
    points: int


@dataclass(frozen=True, slots=True)
class PointScore:
    """Most points win; of equals, the label that stands first in `start`.

    `start` gives each label's points before anything is read; points say by their `place`
    in `start` which label they are for; `confidences` lists
    (lead, confidence) ascending: the last whose lead over the second best is reached counts.
    """

    start: tuple[tuple[Any, int], ...]
    points: tuple[TermPoints | ConditionPoints, ...]
    confidences: tuple[tuple[int, float], ...]


Structure = DecisionList | Tree | PointScore


def answer(structure: Structure, data: Mapping[str, Any]) -> Answer | None:
    """(label, confidence) for an input; None when a list without a default has no rule for it."""
    reading = Reading(data)
    match structure:
        case DecisionList(rules, default):
            for rule in rules:
                if all(holds(condition, reading) for condition in rule.conditions):
                    return rule.outcome.label, rule.outcome.confidence
            return (default.label, default.confidence) if default else None
        case PointScore():
            return _most_points(structure, reading)
        case tree:
            while isinstance(tree, Split):
                tree = tree.yes if holds(tree.condition, reading) else tree.no
            return tree.label, tree.confidence


def _most_points(score: PointScore, reading: Reading) -> Answer:
    totals = [points for _, points in score.start]
    for item in score.points:
        if isinstance(item, TermPoints):
            found = find_terms(reading.words(item.path), item.terms)
            totals[item.place] += item.points * len(found)
        elif holds(item.condition, reading):
            totals[item.place] += item.points
    best = max(range(len(totals)), key=lambda place: totals[place])
    others = totals[:best] + totals[best + 1 :]
    lead = totals[best] - max(others) if others else 0
    reached = [confidence for least, confidence in score.confidences if lead >= least]
    return score.start[best][0], reached[-1]


def leaf_conditions(structure: Structure) -> Iterator[Leaf]:
    """Every single condition of the structure, in order, out of what combines them."""
    match structure:
        case DecisionList(rules, _):
            for rule in rules:
                yield from _leaves(rule.conditions)
        case PointScore():
            yield from _leaves(
                i.condition for i in structure.points if isinstance(i, ConditionPoints)
            )
        case Split(condition, yes, no):
            yield from _leaves((condition,))
            yield from leaf_conditions(yes)
            yield from leaf_conditions(no)


def _leaves(conditions: Iterable[Condition]) -> Iterator[Leaf]:
    for condition in conditions:
        match condition:
            case Not(inner):
                yield from _leaves((inner,))
            case AllOf(several) | AnyOf(several):
                yield from _leaves(several)
            case leaf:
                yield leaf


def all_terms(structure: Structure) -> set[str]:
    """Every term that some part of the structure looks for."""
    leaves = leaf_conditions(structure)
    found = {term for leaf in leaves if isinstance(leaf, HasTerms) for term in leaf.terms}
    if isinstance(structure, PointScore):
        for item in structure.points:
            if isinstance(item, TermPoints):
                found.update(item.terms)
    return found

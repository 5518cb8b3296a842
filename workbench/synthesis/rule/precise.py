"""Rules of high precision for a part of the inputs; the rest they leave to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.synthesis.kinds import InputField
from workbench.synthesis.rule.calibration import calibrate
from workbench.synthesis.rule.classes import Classes
from workbench.synthesis.rule.features import build_table
from workbench.synthesis.rule.list_induction import DraftList, ListSettings, induce_list
from workbench.synthesis.rule.models import ListModel, Sure, merge_neighbours
from workbench.synthesis.rule.selection import folds
from workbench.synthesis.rule.structures import DecisionList
from workbench.synthesis.rule.table import Codes, FeatureTable

CAUTIONS = (0.5, 1.5, 4.0)
MIN_SUPPORT = 3
WORDS_OF_A_GROUP = (1, 2, 3, 4, 5, 6)
LEAST_DECIDED = 5  # rows not seen in training that a precision must be measured on


def induce_precise_rules(
    inputs: Sequence[Mapping[str, Any]],
    labels: Sequence[Any],
    fields: Sequence[InputField],
    *,
    min_precision: float,
    seed: int,
) -> DecisionList:
    """Rules that together were right at least `min_precision` of the time on unseen rows.

    The list has no default: where no rule holds, `answer` gives None, and so does the function
    that `write_python` makes of it. It has no rules when none are precise enough.
    """
    classes = Classes.of(labels)
    nothing = DecisionList((), None)
    if classes.count < 2 or len(inputs) < 2 * LEAST_DECIDED:
        return nothing
    table = build_table(inputs, fields).plain()
    best = _Choice(0, 0.0, ListSettings(), Sure(((0.0, min_precision),)))
    for caution in CAUTIONS:
        settings = ListSettings(
            caution=caution,
            min_support=MIN_SUPPORT,
            rule_cost=0.0,
            at_least=WORDS_OF_A_GROUP,
            least_value=min_precision,
        )
        strengths, right = _unseen(table, classes, settings, seed)
        least = _least_strength(strengths, right, min_precision)
        strong = strengths >= (least or 0.0)
        if least is not None and strong.sum() > best.decided:
            sure = calibrate(strengths[strong], right[strong])
            best = _Choice(int(strong.sum()), least, settings, sure)
    if not best.decided:
        return nothing
    model = _kept(_learn(table, classes.codes, classes.count, best.settings), table, classes, best)
    return DecisionList(model.structure(table, classes.labels, best.sure).rules, None)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Settings, the least strength a rule must have, and how many unseen rows it decided."""

    decided: int
    least: float
    settings: ListSettings
    sure: Sure


def _learn(table: FeatureTable, codes: Codes, count: int, settings: ListSettings) -> ListModel:
    draft = merge_neighbours(induce_list(table, codes, count, settings), table.families)
    return ListModel.fitted(draft, table, codes, count)


def _unseen(
    table: FeatureTable, classes: Classes, settings: ListSettings, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Strength and rightness of the rules on rows that they were not learned from."""
    strengths: list[NDArray[np.float64]] = [np.zeros(0)]
    right: list[NDArray[np.bool_]] = [np.zeros(0, dtype=bool)]
    for train, test in folds(classes.codes, seed):
        model = _learn(table.rows(train), classes.codes[train], classes.count, settings)
        rest = table.rows(test)
        labels, strength = model.predict(rest)
        _, deciding = model.draft.decide(rest)
        decided = deciding < len(model.draft.rules)
        strengths.append(strength[decided])
        right.append((labels == classes.codes[test])[decided])
    return np.concatenate(strengths), np.concatenate(right)


def _least_strength(
    strengths: NDArray[np.float64], right: NDArray[np.bool_], min_precision: float
) -> float | None:
    """The lowest strength from which on rules are precise enough; None if there is none."""
    for least in np.unique(strengths):
        chosen = right[strengths >= least]
        if len(chosen) >= LEAST_DECIDED and (chosen.sum() + 1) / (len(chosen) + 2) >= min_precision:
            return float(least)
    return None


def _kept(model: ListModel, table: FeatureTable, classes: Classes, chosen: _Choice) -> ListModel:
    """The model without weak rules. A rule may weaken when another goes, so until none is weak."""
    while True:
        tallies = zip(model.draft.rules, model.tallies, strict=False)
        strong = [rule for rule, t in tallies if t.strength(classes.count) >= chosen.least]
        if len(strong) == len(model.draft.rules):
            return model
        draft = DraftList(tuple(strong), model.draft.default)
        model = ListModel.fitted(draft, table, classes.codes, classes.count)

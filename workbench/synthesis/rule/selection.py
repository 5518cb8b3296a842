"""Inner cross-validation: which settings generalise, judged on training examples only."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.synthesis.rule.calibration import calibrate
from workbench.synthesis.rule.list_induction import ListSettings, induce_list
from workbench.synthesis.rule.models import (
    ListModel,
    Model,
    ScoreModel,
    Sure,
    TreeModel,
    merge_neighbours,
)
from workbench.synthesis.rule.score_induction import blend_scores, induce_scores
from workbench.synthesis.rule.table import Codes, FeatureTable
from workbench.synthesis.rule.tree_induction import TreeSettings, induce_tree

FOLDS = 5
MANY_ROWS = 1000  # beyond this three folds tell enough
MAX_ROWS = 4000  # settings are chosen on no more rows than this
FEW_ROWS = 150  # below this the folds are drawn twice over
BALANCE_WEIGHT = 0.2
TOLERANCE = 0.5  # standard errors a simpler model may be behind
FEW_TEXTS = 400  # up to here the counts of words tell what a fit alone does not
BLENDED = "with counts of words"
# Of few texts a standard error is so much that the simplest would always do, though points for
# words are known to suit texts: no more than this is given up for less to read.
MOST_GIVEN_UP = 0.01

# A family trains all its variants at once, simplest first: {variant: model}.
Train = Callable[[FeatureTable, Codes, int, int], Mapping[str, Model]]


def train_lists(table: FeatureTable, classes: Codes, count: int, seed: int) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for caution, rule_cost in ((30.0, 2.0), (5.0, 1.0)):
        settings = ListSettings(caution=caution, rule_cost=rule_cost)
        draft = induce_list(table, classes, count, settings)
        merged = merge_neighbours(draft, table.families)
        found[f"caution {caution:g}"] = ListModel.fitted(merged, table, classes, count)
    return found


def train_trees(table: FeatureTable, classes: Codes, count: int, seed: int) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for leaves in (4, 8, 16):
        draft = induce_tree(table, classes, count, TreeSettings(leaves), seed)
        found[f"at most {leaves} leaves"] = TreeModel.fitted(draft, table, classes, count)
    return found


def train_scores(table: FeatureTable, classes: Codes, count: int, seed: int) -> dict[str, Model]:
    found = induce_scores(table, classes, count)
    models: dict[str, Model] = {
        f"at most {size} conditions": ScoreModel(found[size]) for size in sorted(found)
    }
    blended = blend_scores(table, classes, count) if table.inputs <= FEW_TEXTS else None
    if blended is not None:
        models[BLENDED] = ScoreModel(blended)
    return models


FAMILIES: dict[str, Train] = {
    "decision list": train_lists,
    "decision tree": train_trees,
    "point score": train_scores,
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """How one variant did on rows it had not seen.

    `right` says for each of them whether it was, in the same order for all variants; a row
    stands there as often as the folds were drawn. `most_given_up` is how much worse than it
    what is simpler may be at most.
    """

    family: str
    variant: str
    rich: bool
    right: NDArray[np.bool_]
    balanced: float
    repeats: int
    sure: Sure
    most_given_up: float = math.inf

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())

    @property
    def worth(self) -> float:
        """Accuracy, with some weight on the mean recall of the classes."""
        return (1 - BALANCE_WEIGHT) * self.accuracy + BALANCE_WEIGHT * self.balanced

    def within_error(self, other: Estimate, tolerance: float) -> bool:
        """Whether it leads by no more than so many standard errors of the difference (McNemar)."""
        parted = float((self.right != other.right).sum()) * self.repeats
        return bool(self.worth - other.worth <= tolerance * np.sqrt(parted) / len(self.right))

    def hardly_better(self, other: Estimate, tolerance: float) -> bool:
        """Whether it leads by no more than that, and by no more than may be given up."""
        few = self.worth - other.worth <= self.most_given_up
        return few and self.within_error(other, tolerance)


def estimate(
    table: FeatureTable, classes: Codes, count: int, families: Sequence[str], seed: int
) -> dict[str, list[Estimate]]:
    """Cross-validate each family on the plain conditions, then on all; simpler variants first."""
    tables = {False: table.plain(), True: table} if table.rich.any() else {False: table}
    seen: dict[tuple[str, bool, str], list[tuple[Codes, Codes, NDArray[np.float64]]]] = {}
    tested: list[int] = []
    for train, test in folds(classes, seed):
        tested.extend(test.tolist())
        for (rich, columns), family in itertools.product(tables.items(), families):
            models = FAMILIES[family](columns.rows(train), classes[train], count, seed)
            rest = columns.rows(test)
            for variant, model in models.items():
                if variant == BLENDED and len(classes) > FEW_TEXTS:
                    continue
                labels, strengths = model.predict(rest)
                seen.setdefault((family, rich, variant), []).append(
                    (classes[test], labels, strengths)
                )
    found: dict[str, list[Estimate]] = {family: [] for family in families}
    for (family, rich, variant), parts in seen.items():
        truth, labels, strengths = (np.concatenate(column) for column in zip(*parts, strict=True))
        right = truth == labels
        balanced = float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))
        repeats = len(tested) // len(set(tested))
        sure = calibrate(strengths, right)
        most = MOST_GIVEN_UP if (family, rich, BLENDED) in seen else math.inf
        found[family].append(Estimate(family, variant, rich, right, balanced, repeats, sure, most))
    return {
        family: sorted(estimates, key=lambda each: each.rich) for family, estimates in found.items()
    }


def train(
    table: FeatureTable, classes: Codes, count: int, chosen: Estimate, seed: int
) -> tuple[Model, FeatureTable]:
    """The chosen variant learned from all rows, and the table its columns refer to."""
    columns = table if chosen.rich else table.plain()
    return FAMILIES[chosen.family](columns, classes, count, seed)[chosen.variant], columns


def simplest_of_the_best(estimates: Sequence[Estimate]) -> Estimate:
    """The first (simplest) that is within TOLERANCE standard errors of the best.

    Of few texts it is the points with the counts of words where these are so near the best.
    """
    best = max(estimates, key=lambda each: each.worth)
    blended = [each for each in estimates if each.variant == BLENDED]
    if blended:
        usual = max(blended, key=lambda each: each.worth)
        if best.within_error(usual, TOLERANCE):
            return usual
    return next(each for each in estimates if best.hardly_better(each, TOLERANCE))


def folds(classes: Codes, seed: int) -> Iterator[tuple[Codes, Codes]]:
    """(train rows, test rows), stratified and seeded; repeated for few rows."""
    random = np.random.default_rng(seed)
    rows = np.arange(len(classes))
    if len(rows) > MAX_ROWS:
        rows = np.sort(random.choice(rows, MAX_ROWS, replace=False))
    count = 3 if len(rows) > MANY_ROWS else min(FOLDS, len(rows))
    for _ in range(2 if len(rows) < FEW_ROWS else 1):
        shuffled = random.permutation(rows)
        ordered = shuffled[np.argsort(classes[shuffled], kind="stable")]
        turn = np.arange(len(ordered)) % count
        for number in range(count):
            train, test = np.sort(ordered[turn != number]), np.sort(ordered[turn == number])
            if len(np.unique(classes[train])) > 1:
                yield train, test

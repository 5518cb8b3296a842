"""The scikit-learn models for rows of numbers that are not linear: kernels, densities, trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from workbench.synthesis.ml.calibration import two_sided
from workbench.synthesis.ml.regularised_discriminants import RegularisedDiscriminants
from workbench.synthesis.ml.space import Array

Family = Literal["kernel", "density", "forest", "boosting"]
TREES = 40
MAX_LEAVES = 200
# The least share a forest's logarithm sees, as in `program_code.take_logarithms`.
LEAST_SHARE = 0.001


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """A kind of classifier of rows of numbers.

    It is tried for `min_rows` examples or more, where it has a chance, and up to `max_rows`,
    which keep training and program small.
    """

    title: str
    family: Family
    make: Callable[[int], Any]
    max_rows: int
    min_rows: int = 0


def _forest(kind: Any, leaf: int) -> Callable[[int], Any]:
    def make(seed: int) -> Any:
        return kind(
            n_estimators=TREES, min_samples_leaf=leaf, max_leaf_nodes=MAX_LEAVES, random_state=seed
        )

    return make


def _kernel(penalty: float) -> Callable[[int], Any]:
    return lambda seed: OneVsRestClassifier(SVC(C=penalty, gamma="auto"))


def _boosting(seed: int) -> Any:
    return GradientBoostingClassifier(
        n_estimators=TREES, max_depth=3, subsample=0.7, random_state=seed
    )


HEADS = (
    ColumnHead("naive Bayes (normal)", "density", lambda seed: GaussianNB(), 100_000),
    ColumnHead(
        "quadratic discriminants",
        "density",
        lambda seed: QuadraticDiscriminantAnalysis(reg_param=0.1),
        100_000,
    ),
    ColumnHead(
        "discriminants, 30 % pooled", "density", lambda seed: RegularisedDiscriminants(0.3), 100_000
    ),
    ColumnHead(
        "discriminants, 60 % pooled", "density", lambda seed: RegularisedDiscriminants(0.6), 100_000
    ),
    ColumnHead("SVM with RBF kernel (C=1)", "kernel", _kernel(1), 3000),
    ColumnHead("SVM with RBF kernel (C=10)", "kernel", _kernel(10), 3000),
    ColumnHead("extra trees", "forest", _forest(ExtraTreesClassifier, 2), 20_000),
    ColumnHead("random forest", "forest", _forest(RandomForestClassifier, 2), 20_000),
    ColumnHead("gradient boosting", "boosting", _boosting, 5000, min_rows=150),
)


def column_scores(head: ColumnHead, estimator: Any, rows: Array) -> Array:
    """Scores (rows by classes) whose largest is the class that the estimator predicts."""
    if head.family == "forest":
        return np.asarray(np.log(np.maximum(estimator.predict_proba(rows), LEAST_SHARE)))
    if isinstance(estimator, GaussianNB):
        return np.asarray(estimator.predict_joint_log_proba(rows))
    return two_sided(np.asarray(estimator.decision_function(rows)))

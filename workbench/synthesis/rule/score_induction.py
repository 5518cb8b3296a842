"""Point scores: the weights of a linear model, thinned out and rounded to small whole numbers.

For texts also the mean of these and the weights of complement naive Bayes (Rennie et al. 2003),
which knows less but needs fewer examples for it (Ng and Jordan 2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from workbench.synthesis.rule.conditions import Compares, Condition, HasTerms, Matches, TextMeasure
from workbench.synthesis.rule.table import Codes, FeatureTable, strongest_columns

SIZES = (2560, 1280, 640, 320, 160, 80, 40, 20, 10)
MAX_COLUMNS = 6000
MOST_POINTS = 9
DENSE_CELLS = 400_000  # below this a dense matrix is the faster
BOLDNESS = 0.3  # inverse strength of the L2 penalty
SMOOTHING = 1.0  # occurrences of each word in each class before any is counted
MEASURE_SCALE = 0.1  # lengths and counts of a text tell less than its words, so cost more


@dataclass(frozen=True, slots=True)
class DraftScore:
    """`points` (columns, classes) and `start` (classes,), whole numbers."""

    columns: Codes
    points: Codes
    start: Codes

    def totals(self, table: FeatureTable) -> Codes:
        """(n, classes): the points each class gets."""
        found = table.matrix[:, self.columns]
        return np.asarray(np.rint(found @ self.points), dtype=np.int64) + self.start


def induce_scores(table: FeatureTable, classes: Codes, count: int) -> dict[int, DraftScore]:
    """Scores over ever fewer conditions, by the most they may have: the weakest go, the rest refit.

    `classes` (n,) are class numbers out of `count`. Every size of SIZES is there.
    """
    columns = strongest_columns(table, np.eye(count)[classes], MAX_COLUMNS)
    share = table.columns(columns).holding() / table.inputs
    scale = _scales(table.columns(columns), share)
    strength = np.sqrt(share * (1 - share))
    found: dict[int, DraftScore] = {}
    draft: DraftScore | None = None
    with threadpool_limits(1):  # many small products: threads only wait for each other
        weights, start = _fit(table.matrix[:, columns], scale, classes, count)
        for size in SIZES:
            if size < len(columns):
                reach = (weights.max(axis=1) - weights.min(axis=1)) * strength
                best = np.sort(np.lexsort((columns, -np.round(reach, 9)))[:size])
                columns, scale, strength = columns[best], scale[best], strength[best]
                weights, start = _fit(table.matrix[:, columns], scale, classes, count)
                draft = None
            draft = draft or _rounded(columns, weights, start)
            found[size] = draft
    return found


def blend_scores(table: FeatureTable, classes: Codes, count: int) -> DraftScore | None:
    """Points that are half of what logistic regression and half of what the counts of words say;
    None where there are no words. Arguments as of `induce_scores`."""
    columns = strongest_columns(table, np.eye(count)[classes], MAX_COLUMNS)
    kept = table.columns(columns)
    words = np.array([isinstance(each, HasTerms) for each in kept.conditions], dtype=bool)
    if not words.any():
        return None
    with threadpool_limits(1):
        weights, start = _fit(
            kept.matrix, _scales(kept, kept.holding() / table.inputs), classes, count
        )
    counted = np.zeros_like(weights)
    held = kept.counts(np.ones(table.inputs, dtype=bool), np.eye(count)[classes])[words]
    elsewhere = held.sum(axis=1, keepdims=True) - held + SMOOTHING
    share = -np.log(elsewhere / elsewhere.sum(axis=0))
    counted[words] = share - share.mean(axis=1, keepdims=True)
    fitted, plain = (float(np.std(kept.matrix @ each)) or 1.0 for each in (weights, counted))
    return _rounded(columns, weights / fitted + counted / plain, start / fitted)


def _scales(table: FeatureTable, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,): how readily each condition takes weight; a rare word more than a common one."""
    rarity = np.log((1 + table.inputs) / (1 + share * table.inputs)) + 1
    plain = np.array([_scale(condition) for condition in table.conditions], dtype=np.float64)
    return np.where(np.isnan(plain), rarity, plain)


def _scale(condition: Condition) -> float:
    """A fixed scale, or NaN for a condition that is scaled by its rarity."""
    match condition:
        case HasTerms() | Matches():
            return float("nan")
        case Compares(TextMeasure()):
            return MEASURE_SCALE
        case _:
            return 1.0


def _fit(
    matrix: sparse.csc_matrix, scale: NDArray[np.float64], classes: Codes, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (columns, count) and intercepts (count,) of multinomial logistic regression."""
    weights, start = np.zeros((matrix.shape[1], count)), np.zeros(count)
    if matrix.shape[1] == 0:
        return weights, start
    model = LogisticRegression(C=BOLDNESS, max_iter=200, tol=1e-3)
    scaled = (matrix @ sparse.diags(scale)).tocsr()
    small = matrix.shape[0] * matrix.shape[1] <= DENSE_CELLS
    model.fit(scaled.toarray() if small else scaled, classes)
    fitted = model.coef_.T * scale[:, None]
    present = model.classes_
    if len(present) == 2:
        no, yes = present
        weights[:, yes], weights[:, no] = np.maximum(fitted[:, 0], 0), np.maximum(-fitted[:, 0], 0)
        start[yes], start[no] = max(model.intercept_[0], 0), max(-model.intercept_[0], 0)
    else:
        weights[:, present] = fitted - np.median(fitted, axis=1, keepdims=True)
        start[present] = model.intercept_ - model.intercept_.min()
    return weights, start


def _rounded(
    columns: Codes, weights: NDArray[np.float64], start: NDArray[np.float64]
) -> DraftScore:
    largest = float(np.abs(weights).max(initial=0.0))
    unit = MOST_POINTS / largest if largest > 0 else 1.0
    points = np.rint(np.round(weights * unit, 6)).astype(np.int64)
    used = np.flatnonzero(np.any(points != 0, axis=1))
    begin = np.rint(np.round(start * unit, 6)).astype(np.int64)
    return DraftScore(columns[used], points[used], begin)

"""The linear scikit-learn models that are tried, and their weights: scores = X · W + b."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB
from sklearn.svm import LinearSVC

from workbench.synthesis.ml.space import Array


@dataclass(frozen=True, slots=True)
class LinearHead:
    """A kind of linear classifier or regression.

    `rare`: its tokens are weighted by TF-IDF, else by presence. `patient`: its training takes
    many passes, so it is left out where the matrix is large.
    """

    title: str
    make: Callable[[int], Any]
    rare: bool = True
    takes_columns: bool = True
    patient: bool = False


class RatioSvm(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear SVM on features scaled by how their presence tells the classes apart.

    After Wang and Manning (2012), "Baselines and bigrams": log-count ratios, here the largest
    over the classes, each against the rest. Features must not be negative.
    """

    def __init__(self, C: float = 0.1, random_state: int = 0) -> None:  # noqa: N803
        self.C = C
        self.random_state = random_state

    def fit(self, X: Any, y: Array) -> RatioSvm:  # noqa: N803 - scikit-learn's names
        """Learn from a sparse matrix and class numbers."""
        self.classes_ = np.unique(y)
        ratios = np.zeros(X.shape[1])
        for label in self.classes_:
            own = 1 + np.asarray(X[y == label].sum(axis=0)).ravel()
            other = 1 + np.asarray(X[y != label].sum(axis=0)).ravel()
            ratio = np.log(own / own.sum()) - np.log(other / other.sum())
            ratios = np.maximum(ratios, np.abs(ratio))
        svm = LinearSVC(C=self.C, random_state=self.random_state, max_iter=3000)
        svm.fit(X.multiply(ratios).tocsr(), y)
        self.coef_ = svm.coef_ * ratios
        self.intercept_ = svm.intercept_
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The class number of each row."""
        scores = np.asarray(X @ self.coef_.T + self.intercept_)
        best = (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[best])


RANKER = LinearHead("linear SVM", lambda seed: LinearSVC(random_state=seed, max_iter=3000))

TEXT_HEADS = (
    RANKER,
    LinearHead(
        "logistic regression (C=10)",
        lambda seed: LogisticRegression(C=10, max_iter=300),
        patient=True,
    ),
    LinearHead(
        "logistic regression (C=100)",
        lambda seed: LogisticRegression(C=100, max_iter=300),
        patient=True,
    ),
    LinearHead("SVM on log-count ratios", lambda seed: RatioSvm(random_state=seed), False, False),
    LinearHead("Bernoulli naive Bayes", lambda seed: BernoulliNB(alpha=0.3), False, False),
    LinearHead("complement naive Bayes", lambda seed: ComplementNB(alpha=0.3), True, False),
)

COLUMN_HEADS = (
    LinearHead("logistic regression (C=0.1)", lambda seed: LogisticRegression(C=0.1, max_iter=500)),
    LinearHead("logistic regression (C=1)", lambda seed: LogisticRegression(C=1, max_iter=500)),
    LinearHead("logistic regression (C=10)", lambda seed: LogisticRegression(C=10, max_iter=500)),
    LinearHead(
        "linear discriminants, shrunk",
        lambda seed: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    ),
    LinearHead(
        "linear discriminants",
        lambda seed: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.01),
    ),
)


def linear_weights(estimator: Any) -> tuple[Array, Array]:
    """Weights (features by scores) and biases; one score for two classes, else one a class."""
    if isinstance(estimator, BernoulliNB):
        present = estimator.feature_log_prob_
        absent = np.log1p(-np.exp(present))
        weights = (present - absent).T
        biases = estimator.class_log_prior_ + absent.sum(axis=1)
    elif isinstance(estimator, ComplementNB):
        weights, biases = estimator.feature_log_prob_.T, np.zeros(len(estimator.classes_))
    else:
        return np.atleast_2d(estimator.coef_).T, np.atleast_1d(estimator.intercept_)
    if len(estimator.classes_) == 2:
        return weights[:, 1:] - weights[:, :1], biases[1:] - biases[:1]
    return weights, biases

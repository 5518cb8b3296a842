"""Normal densities between one covariance a class and one for all. Knows no tasks or programs."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from workbench.synthesis.ml.space import Array

# A direction in which nothing varies must not divide by zero.
LEAST_VARIANCE = 1e-9


class RegularisedDiscriminants(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Quadratic discriminants whose covariances are drawn towards the pooled one and a sphere.

    Friedman (1989), "Regularized discriminant analysis": `pooled` of 0 is quadratic and of 1
    linear; `shrinkage` draws towards the mean variance in all directions. Fitted attributes are
    named as in scikit-learn's `QuadraticDiscriminantAnalysis`.
    """

    def __init__(self, pooled: float = 0.5, shrinkage: float = 0.1) -> None:
        self.pooled = pooled
        self.shrinkage = shrinkage

    def fit(self, X: Array, y: Array) -> RegularisedDiscriminants:  # noqa: N803
        """Learn from rows of numbers and class numbers."""
        self.classes_, counts = np.unique(y, return_counts=True)
        self.priors_ = counts / counts.sum()
        self.means_ = np.array([X[y == label].mean(axis=0) for label in self.classes_])
        scatters = [
            (X[y == label] - mean).T @ (X[y == label] - mean)
            for label, mean in zip(self.classes_, self.means_, strict=True)
        ]
        together = np.sum(scatters, axis=0)
        freedom = max(int(counts.sum()) - len(counts), 1)
        self.rotations_: list[Array] = []
        self.scalings_: list[Array] = []
        for scatter, count in zip(scatters, counts, strict=True):
            weight = (1 - self.pooled) * max(int(count) - 1, 1) + self.pooled * freedom
            covariance = ((1 - self.pooled) * scatter + self.pooled * together) / weight
            sphere = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
            covariance = (1 - self.shrinkage) * covariance + self.shrinkage * sphere
            variances, directions = np.linalg.eigh(covariance)
            self.rotations_.append(directions)
            self.scalings_.append(np.maximum(variances, LEAST_VARIANCE))
        return self

    def decision_function(self, X: Array) -> Array:  # noqa: N803
        """Log-densities with their priors, but for a constant (rows by classes)."""
        scores = []
        for mean, directions, variances, prior in zip(
            self.means_, self.rotations_, self.scalings_, self.priors_, strict=True
        ):
            along = (X - mean) @ (directions / np.sqrt(variances))
            spread = np.log(variances).sum()
            scores.append(np.log(prior) - 0.5 * ((along**2).sum(axis=1) + spread))
        return np.stack(scores, axis=1)

    def predict(self, X: Array) -> Array:  # noqa: N803
        """The class number of each row."""
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])

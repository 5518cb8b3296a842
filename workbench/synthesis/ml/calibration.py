"""Makes scores into probabilities that hold: temperature scaling, and how far off they are.

Guo et al. (2017), "On calibration of modern neural networks". Pure arithmetic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from workbench.synthesis.ml.space import Array

Labels = npt.NDArray[np.int64]
BINS = 10


def two_sided(scores: Array) -> Array:
    """Scores with a column a class: a single score, for two classes, becomes (0, score)."""
    if scores.ndim == 1:
        scores = scores[:, None]
    if scores.shape[1] > 1:
        return scores
    return np.hstack([np.zeros_like(scores), scores])


def log_softmax(scores: Array) -> Array:
    """The logarithm of the softmax of each row."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def fit_sharpness(scores: Array, labels: Labels) -> float:
    """The factor on the scores under which their softmax gives the labels the least log-loss.

    Labels are taken to be wrong with probability 1 / (n + 2), so that a perfect separation
    of few examples does not end in certainty.
    """
    count, classes = scores.shape
    doubt = 1 / (count + 2)
    target = np.full((count, classes), doubt / classes)
    target[np.arange(count), labels] += 1 - doubt
    spread = float(np.abs(scores - scores.mean(axis=1, keepdims=True)).mean()) or 1.0

    def loss(logarithm: float) -> float:
        return float(-(target * log_softmax(np.exp(logarithm) / spread * scores)).sum())

    best = minimize_scalar(loss, bounds=(-5.0, 5.0), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(best.x) / spread)


def log_loss(chances: Array, labels: Labels) -> float:
    """The mean negative log-probability of the labels."""
    own = chances[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, 1e-9)).mean())


def brier_score(chances: Array, labels: Labels) -> float:
    """The mean squared error of the probabilities (Brier 1950), between 0 and 2.

    It is bounded, where the log-loss of a few hopeless rows may outweigh all others.
    """
    squares = (chances**2).sum(axis=1) - 2 * chances[np.arange(len(labels)), labels] + 1
    return float(squares.mean())


def calibration_error(chances: Array, labels: Labels) -> float:
    """Expected calibration error of the top probability over ten equal-width bins."""
    sure = chances.max(axis=1)
    right = chances.argmax(axis=1) == labels
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [abs(sure[bins == b].sum() - right[bins == b].sum()) for b in range(BINS)]
    return float(sum(gaps) / len(labels))

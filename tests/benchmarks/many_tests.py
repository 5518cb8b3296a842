"""`runtime.rollout.difference.DifferenceTest` for thousands of rollouts at once, with numpy.

A test holds the two to the same results.
"""

from __future__ import annotations

import numpy as np

from runtime.rollout.difference import BLOCK, BLOCK_SHARE, MOST_BET, PRIOR


class ManyTests:
    """The two nulls that decide (worse than `above`, better than `below`) in every rollout.

    `strata` are the probabilities with which values may have been sampled. `most` holds the
    logarithms of what bets against the two nulls have won at most, a row each rollout.
    """

    def __init__(
        self, runs: int, above: float, below: float, strata: tuple[float, ...] = (1.0,)
    ) -> None:
        self.nulls = ((1, above), (-1, below))
        self.strata = np.array(strata)
        self.logs = np.zeros((runs, 2))
        self.most = np.zeros((runs, 2))
        self.counts = np.zeros((runs, 2))
        self.weights = np.zeros((runs, 2))
        self.sums = np.zeros((runs, 2))
        self.squares = np.zeros(runs)
        self.reference = np.ones(runs)

    def needed(self, rows) -> np.ndarray:
        """How many values of each arm the next block of some rollouts waits for."""
        return np.ceil(np.maximum(BLOCK, BLOCK_SHARE * self.counts[rows].min(axis=1))).astype(int)

    def add_block(self, rows, block: np.ndarray) -> None:
        """A whole block in each of some rollouts: how often, by [rollout, arm, value, stratum]."""
        sums, weights = self.sums[rows], self.weights[rows]
        total = weights.sum(axis=1)
        pooled = (sums.sum(axis=1) + 0.5) / (total + 1)
        mean_a, mean_b = ((sums + PRIOR * pooled[:, None]) / (weights + PRIOR)).T
        squares = self.squares[rows]
        scale = np.divide(total, squares, out=np.ones(len(rows)), where=squares > 0)
        n_a, n_b = block.sum(axis=(2, 3)).T
        weight = np.minimum(1.0, self.reference[rows, None] / self.strata)
        for index, (sign, null) in enumerate(self.nulls):
            middle_b = (n_a * (mean_a - null) + n_b * mean_b) / (n_a + n_b)
            middle_a = middle_b + null
            square_a = mean_a * (1 - mean_a) + (mean_a - middle_a) ** 2
            square_b = mean_b * (1 - mean_b) + (mean_b - middle_b) ** 2
            gain = np.maximum(0.0, sign * (mean_a - mean_b - null))
            stake = scale * gain / (square_a / n_a + square_b / n_b)
            worst_a = middle_a if sign > 0 else 1 - middle_a
            worst_b = 1 - middle_b if sign > 0 else middle_b
            most = MOST_BET / np.maximum(np.maximum(worst_a / n_a, worst_b / n_b), 1e-12)
            stake = sign * np.minimum(stake, most)
            growth = 0.0
            for value in (0, 1):
                won_a = np.log1p(weight * (stake / n_a * (value - middle_a))[:, None])
                won_b = np.log1p(weight * (-stake / n_b * (value - middle_b))[:, None])
                growth += (block[:, 0, value] * won_a + block[:, 1, value] * won_b).sum(axis=1)
            self.logs[rows, index] += growth
            self.most[rows, index] = np.maximum(self.most[rows, index], self.logs[rows, index])
        self.counts[rows] += block.sum(axis=(2, 3))
        self.weights[rows] += (block.sum(axis=2) * weight[:, None]).sum(axis=2)
        self.sums[rows] += (block[:, :, 1] * weight[:, None]).sum(axis=2)
        self.squares[rows] += (block.sum(axis=(1, 2)) * weight**2).sum(axis=1)
        seen = np.where(block.sum(axis=(1, 2)) > 0, self.strata, 1.0).min(axis=1)
        self.reference[rows] = np.minimum(self.reference[rows], seen)

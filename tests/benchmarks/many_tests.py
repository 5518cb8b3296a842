"""`runtime.rollout.difference.DifferenceTest` for thousands of rollouts at once, with numpy.

A test holds the two to the same results.
"""

from __future__ import annotations

import numpy as np

from runtime.rollout.difference import BLOCK, BLOCK_SHARE, MOST_BET, PRIOR


class ManyTests:
    """The two nulls that decide (worse than `above`, better than `below`) in every rollout.

    `strata` are the probabilities with which values of each arm may have been sampled. `most`
    holds the logarithms of what bets against the two nulls have won at most, a row each rollout.
    """

    def __init__(self, runs: int, above: float, below: float, strata=((1.0,), (1.0,))) -> None:
        self.nulls = ((1, above), (-1, below))
        #: What a value of an arm and a stratum weighs.
        self.weight = 1 / np.array(strata)
        self.logs = np.zeros((runs, 2))
        self.most = np.zeros((runs, 2))
        self.counts = np.zeros((runs, 2))
        self.weights = np.zeros((runs, 2))
        self.squares = np.zeros((runs, 2))
        self.heaviest = np.ones((runs, 2))
        self.sums = np.zeros((runs, 2))

    def needed(self, rows) -> np.ndarray:
        """How many values of each arm the next block of some rollouts waits for."""
        return np.ceil(np.maximum(BLOCK, BLOCK_SHARE * self.counts[rows].min(axis=1))).astype(int)

    def add_block(self, rows, block: np.ndarray) -> None:
        """A whole block in each of some rollouts: how often, by [rollout, arm, value, stratum]."""
        counts, weights, heaviest = self.counts[rows], self.weights[rows], self.heaviest[rows]
        count = counts.sum(axis=1)[:, None]
        known = np.broadcast_to(count > 0, counts.shape)
        pooled_weight = _over(weights.sum(axis=1)[:, None], count, count > 0)
        units = (weights + PRIOR * pooled_weight) / (counts + PRIOR)
        sums = counts * _over(self.sums[rows], weights, known, 0.0)
        pooled = (sums.sum(axis=1)[:, None] + 0.5) / (count + 1)
        mean_a, mean_b = ((sums + PRIOR * pooled) / (counts + PRIOR)).T
        spread_a, spread_b = _over(self.squares[rows] / units**2, counts, known).T
        most_a, most_b = (heaviest / units).T
        n_a, n_b = block.sum(axis=(2, 3)).T
        weight = np.minimum(self.weight, heaviest[:, :, None]) / units[:, :, None]
        for index, (sign, null) in enumerate(self.nulls):
            middle_b = (n_a * (mean_a - null) + n_b * mean_b) / (n_a + n_b)
            middle_a = middle_b + null
            square_a = spread_a * (mean_a * (1 - mean_a) + (mean_a - middle_a) ** 2)
            square_b = spread_b * (mean_b * (1 - mean_b) + (mean_b - middle_b) ** 2)
            gain = np.maximum(0.0, sign * (mean_a - mean_b - null))
            stake = gain / (square_a / n_a + square_b / n_b)
            worst_a = most_a * (middle_a if sign > 0 else 1 - middle_a)
            worst_b = most_b * (1 - middle_b if sign > 0 else middle_b)
            most = MOST_BET / np.maximum(np.maximum(worst_a / n_a, worst_b / n_b), 1e-12)
            stake = sign * np.minimum(stake, most)
            growth = 0.0
            for value in (0, 1):
                won_a = np.log1p(weight[:, 0] * (stake / n_a * (value - middle_a))[:, None])
                won_b = np.log1p(weight[:, 1] * (-stake / n_b * (value - middle_b))[:, None])
                growth += (block[:, 0, value] * won_a + block[:, 1, value] * won_b).sum(axis=1)
            self.logs[rows, index] += growth
            self.most[rows, index] = np.maximum(self.most[rows, index], self.logs[rows, index])
        of_stratum = block.sum(axis=2)
        self.counts[rows] += of_stratum.sum(axis=2)
        self.weights[rows] += (of_stratum * self.weight).sum(axis=2)
        self.squares[rows] += (of_stratum * self.weight**2).sum(axis=2)
        self.sums[rows] += (block[:, :, 1] * self.weight).sum(axis=2)
        seen = np.where(of_stratum > 0, self.weight, 1.0).max(axis=2)
        self.heaviest[rows] = np.maximum(heaviest, seen)


def _over(above, below, where, otherwise: float = 1.0) -> np.ndarray:
    """A quotient where there is one."""
    return np.divide(above, below, out=np.full(np.shape(above), otherwise), where=where)

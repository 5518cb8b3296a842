"""An always-valid test of how two arms' means differ, by betting. Pure; it decides nothing.

Values lie in [0, 1] (a failure is 1). Executions are gathered into blocks; a block ends when both
arms have enough of them, whatever their values. With n_a values of the candidate and n_b of the
baseline in it, the null hypothesis "mean_a - mean_b <= d" is bet against with the factors

    1 + (L / n_a) (y - m_a)  for each y of the candidate,
    1 - (L / n_b) (y - m_b)  for each y of the baseline,    m_a - m_b = d,  L >= 0,

where L and m_b are fixed by earlier blocks and by n_a and n_b. The factors' means f_a and f_b
satisfy n_a f_a + n_b f_b = n + L (mean_a - mean_b - d) <= n under the null, so by the inequality of
means f_a^n_a f_b^n_b <= 1: the product over all blocks is a test supermartingale, and by Ville's
inequality it ever reaches 1/alpha with probability at most alpha, however often one looks. The
means may drift from block to block, and the arms' shares of the traffic may be anything.

For d = 0 this is the two-sample test of Turner, Ly & Grünwald (2024, "Generic E-variables for exact
sequential k-sample tests that allow for optional stopping"), whose m and L it takes over; bets that
fit what was seen follow Waudby-Smith & Ramdas (2023, "Estimating means of bounded random variables
by betting"), and the values of d that are not rejected make a confidence sequence (Howard, Ramdas,
McAuliffe & Sekhon 2021). A value that was sampled with probability p weighs 1/p (no more than the
most in earlier blocks) over its arm's mean weight: multiplied by it, y - m has the mean of all
executions. The arm's mean weight is what earlier blocks had. So the bound holds exactly where each
arm is sampled evenly or both alike, and else but for the error of that estimate.

Values are taken to be independent, given their arms. Where few callers send most requests, and a
caller's fail together, the evidence is less than it looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CANDIDATE, BASELINE = 0, 1
# A block ends when each arm has so many values, and so large a part of what it had before.
BLOCK = 5
BLOCK_SHARE = 0.01
# Before an arm is known, it is thought to be like both together: as if so many values said so.
PRIOR = 20.0
# Of the largest bet that cannot lose everything.
MOST_BET = 0.75
# Differences that are looked at for the interval: 0.1 to 100 points, each a third more.
STEPS = tuple(round(0.001 * 10 ** (step / 8), 6) for step in range(25))


@dataclass(frozen=True, slots=True)
class Expected:
    """What an arm's values will be like, by earlier blocks: their mean, and of their weights
    (whose mean is 1) the mean square and the most."""

    mean: float
    square: float = 1.0
    most: float = 1.0


@dataclass(frozen=True, slots=True)
class Bet:
    """The stakes on one value of each arm above its middle."""

    middle_a: float
    middle_b: float
    stake_a: float
    stake_b: float


def place_bet(a: Expected, b: Expected, n_a: int, n_b: int, null: float, sign: int) -> Bet:
    """The bet against "difference <= null" (`sign` 1) or "difference >= null" (`sign` -1).

    It maximizes the second-order growth of the logarithm (Kelly): the stake is the expected gain
    over the expected square, and never so large that one value could lose everything.
    """
    middle_b = (n_a * (a.mean - null) + n_b * b.mean) / (n_a + n_b)
    middle_a = middle_b + null
    square_a = a.square * (a.mean * (1 - a.mean) + (a.mean - middle_a) ** 2)
    square_b = b.square * (b.mean * (1 - b.mean) + (b.mean - middle_b) ** 2)
    gain = max(0.0, sign * (a.mean - b.mean - null))
    stake = gain / (square_a / n_a + square_b / n_b)
    # The value that loses most: 0 of the one arm and 1 of the other.
    worst_a = a.most * (middle_a if sign > 0 else 1 - middle_a)
    worst_b = b.most * (1 - middle_b if sign > 0 else middle_b)
    most = MOST_BET / max(worst_a / n_a, worst_b / n_b, 1e-12)
    stake = sign * min(stake, most)
    return Bet(middle_a, middle_b, stake / n_a, -stake / n_b)


class DifferenceTest:
    """Candidate's mean less baseline's, tested after every value. Its state is JSON."""

    def __init__(self, nulls: Iterable[float]) -> None:
        """`nulls` are the differences that decide; a grid of others draws the interval."""
        grid = {0.0, *STEPS, *(-step for step in STEPS)}
        self.nulls: tuple[float, ...] = tuple(sorted(grid | set(nulls)))
        # Logarithms of what a bet of 1 has become, and the most it ever was, a null each.
        self._above = [0.0] * len(self.nulls)
        self._below = [0.0] * len(self.nulls)
        self._most_above = [0.0] * len(self.nulls)
        self._most_below = [0.0] * len(self.nulls)
        # Of closed blocks, an arm each: values; weights, their squares and the most of them;
        # weighted values.
        self._counts = [0, 0]
        self._weights = [0.0, 0.0]
        self._squares = [0.0, 0.0]
        self._heaviest = [1.0, 1.0]
        self._sums = [0.0, 0.0]
        # The open block: (arm, value, probability) -> how often.
        self._open: dict[tuple[int, float, float], int] = {}
        self._open_counts = [0, 0]

    def add(self, arm: int, value: float, probability: float = 1.0) -> None:
        """Count a value in [0, 1] of an arm; `probability` is that of its having been sampled."""
        key = (arm, value, probability)
        self._open[key] = self._open.get(key, 0) + 1
        self._open_counts[arm] += 1
        fewer = min(self._open_counts)
        if fewer >= BLOCK and fewer >= BLOCK_SHARE * min(self._counts):
            self._close_block()

    def count(self, arm: int) -> int:
        """Values of an arm so far."""
        return self._counts[arm] + self._open_counts[arm]

    def mean(self, arm: int) -> float | None:
        """The weighted mean of an arm so far; None without values."""
        total, weight = self._sums[arm], self._weights[arm]
        for (of, value, probability), count in self._open.items():
            if of == arm:
                weight += count / probability
                total += count / probability * value
        return total / weight if weight else None

    def shows_above(self, null: float, alpha: float) -> bool:
        """Whether it was ever shown that the difference is above `null`, one of the nulls."""
        return self._most_above[self.nulls.index(null)] >= -math.log(alpha)

    def shows_below(self, null: float, alpha: float) -> bool:
        """Whether it was ever shown that the difference is below `null`, one of the nulls."""
        return self._most_below[self.nulls.index(null)] >= -math.log(alpha)

    def interval(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """The differences not rejected, on the grid outward; each end errs so often at most."""
        return (
            _first_kept(self.nulls, self._most_above, -math.log(lower_alpha), -1.0),
            _first_kept(self.nulls[::-1], self._most_below[::-1], -math.log(upper_alpha), 1.0),
        )

    def as_json(self) -> dict[str, Any]:
        """Everything, for `from_json`."""
        return {
            "nulls": list(self.nulls),
            "above": self._above,
            "below": self._below,
            "most_above": self._most_above,
            "most_below": self._most_below,
            "counts": self._counts,
            "weights": self._weights,
            "squares": self._squares,
            "heaviest": self._heaviest,
            "sums": self._sums,
            "open": [[*key, count] for key, count in self._open.items()],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DifferenceTest:
        """What `as_json` said. Raises KeyError or ValueError."""
        test = cls(data["nulls"])
        if list(test.nulls) != data["nulls"]:
            raise ValueError("the differences looked at are not those of this release")
        test._above, test._below = list(data["above"]), list(data["below"])
        test._most_above, test._most_below = list(data["most_above"]), list(data["most_below"])
        test._counts, test._weights = list(data["counts"]), list(data["weights"])
        test._squares, test._heaviest = list(data["squares"]), list(data["heaviest"])
        test._sums = list(data["sums"])
        for arm, value, probability, count in data["open"]:
            test._open[arm, value, probability] = count
            test._open_counts[arm] += count
        return test

    def _close_block(self) -> None:
        n_a, n_b = self._open_counts
        (arm_a, unit_a), (arm_b, unit_b) = self._expected()
        units = (unit_a, unit_b)
        values = [
            (arm, value, min(1 / probability, self._heaviest[arm]) / units[arm], count)
            for (arm, value, probability), count in self._open.items()
        ]
        for sign, logs, most in (
            (1, self._above, self._most_above),
            (-1, self._below, self._most_below),
        ):
            for index, null in enumerate(self.nulls):
                bet = place_bet(arm_a, arm_b, n_a, n_b, null, sign)
                if bet.stake_a:
                    logs[index] += log_growth(bet, values)
                    most[index] = max(most[index], logs[index])
        for (arm, value, probability), count in self._open.items():
            weight = 1 / probability
            self._counts[arm] += count
            self._weights[arm] += count * weight
            self._squares[arm] += count * weight * weight
            self._heaviest[arm] = max(self._heaviest[arm], weight)
            self._sums[arm] += count * weight * value
        self._open = {}
        self._open_counts = [0, 0]

    def _expected(self) -> list[tuple[Expected, float]]:
        """What earlier blocks say of each arm, and what its mean weight is."""
        count = sum(self._counts)
        pooled_weight = sum(self._weights) / count if count else 1.0
        units = [
            (self._weights[arm] + PRIOR * pooled_weight) / (self._counts[arm] + PRIOR)
            for arm in (CANDIDATE, BASELINE)
        ]
        # Weighted sums as if of so many values of weight 1.
        sums = [
            self._counts[arm] * self._sums[arm] / self._weights[arm] if self._weights[arm] else 0.0
            for arm in (CANDIDATE, BASELINE)
        ]
        pooled = (sum(sums) + 0.5) / (count + 1.0)
        return [
            (
                Expected(
                    (sums[arm] + PRIOR * pooled) / (self._counts[arm] + PRIOR),
                    self._squares[arm] / self._counts[arm] / units[arm] ** 2 if count else 1.0,
                    self._heaviest[arm] / units[arm],
                ),
                units[arm],
            )
            for arm in (CANDIDATE, BASELINE)
        ]


def log_growth(bet: Bet, values: Iterable[tuple[int, float, float, int]]) -> float:
    """The logarithm of what a bet wins on a block: (arm, value, weight, how often) each."""
    growth = 0.0
    for arm, value, weight, count in values:
        if arm == CANDIDATE:
            factor = weight * bet.stake_a * (value - bet.middle_a)
        else:
            factor = weight * bet.stake_b * (value - bet.middle_b)
        growth += count * math.log1p(factor)
    return growth


def _first_kept(
    nulls: Sequence[float], logs: Sequence[float], needed: float, nothing: float
) -> float:
    """The last null rejected before the first that is not; `nothing` where none is."""
    bound = nothing
    for null, log in zip(nulls, logs, strict=True):
        if log < needed:
            break
        bound = null
    return bound

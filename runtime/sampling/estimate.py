"""What a sample with unequal probabilities says of all: shares with intervals. Pure arithmetic.

Each observation counts as many times as it stands for executions: 1 / inclusion probability.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """An estimated share with its 95 % interval; `value` is None where nothing was observed.

    `observed` counts observations, `effective` what they are worth together, `total` the
    executions that they stand for.
    """

    value: float | None
    low: float
    high: float
    observed: int
    effective: float
    total: float

    def as_json(self) -> dict[str, Any]:
        return {
            "value": None if self.value is None else round(self.value, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "observed": self.observed,
            "effective": round(self.effective, 3),
            "total": round(self.total, 3),
        }


class ShareSums:
    """The sums that a share is made of; two can be added."""

    __slots__ = ("matching", "observed", "squares", "weight")

    def __init__(self) -> None:
        self.observed = 0
        self.weight = self.squares = self.matching = 0.0

    def add(self, match: bool, probability: float) -> None:
        """Count one observation whose inclusion probability is in (0, 1]."""
        weight = 1 / probability
        self.observed += 1
        self.weight += weight
        self.squares += weight * weight
        if match:
            self.matching += weight

    def merge(self, other: ShareSums) -> None:
        """Count everything `other` counted."""
        self.observed += other.observed
        self.weight += other.weight
        self.squares += other.squares
        self.matching += other.matching

    def as_json(self) -> dict[str, Any]:
        """All that `from_json` needs."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ShareSums:
        sums = cls()
        for name in cls.__slots__:
            setattr(sums, name, data[name])
        return sums

    def share(self) -> Share:
        """The ratio (Hájek) estimate, with Wilson's interval at Kish's effective sample size.

        Hájek 1971; Kish, "Survey Sampling", 1965; Wilson, JASA 22 (1927).
        """
        if not self.observed:
            return Share(None, 0.0, 1.0, 0, 0.0, 0.0)
        value = min(1.0, self.matching / self.weight)
        effective = self.weight**2 / self.squares
        low, high = wilson(value, effective)
        return Share(value, low, high, self.observed, effective, self.weight)


def estimate_share(observations: Iterable[tuple[bool, float]]) -> Share:
    """The share of matches from (match, inclusion probability) pairs."""
    sums = ShareSums()
    for match, probability in observations:
        sums.add(match, probability)
    return sums.share()


def estimate_total(probabilities: Iterable[float]) -> float:
    """How many executions the sampled ones stand for (Horvitz and Thompson, JASA 47, 1952)."""
    return sum(1 / probability for probability in probabilities)


def wilson(share: float, count: float, z: float = Z95) -> tuple[float, float]:
    """The score interval of a share observed in `count` trials."""
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)

"""Summaries of endless streams in little memory that can be merged: quantiles and top values.

Both give the same bytes for the same stream on every machine: no logarithms, no hashing.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

# Each power of two is cut into this many equal steps, so a value is known to within half a
# step: 1 / (2 * 128) of itself at most.
STEPS = 128
RELATIVE_ERROR = 1 / (2 * STEPS)
LARGEST = 1e290


class QuantileSketch:
    """Counts numbers in steps that grow with their size, as HdrHistogram does.

    `count`, `mean`, `min` and `max` are exact (to rounding); a quantile is within 0.4 % of the
    value at its rank. Memory is bounded by the range of values: 128 counters a power of two.
    """

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.min = math.inf
        self.max = -math.inf
        self._steps: dict[int, int] = {}
        self._negative: dict[int, int] = {}
        self._zeros = 0

    def add(self, value: float) -> None:
        """Count a finite number; what is beyond 1e290 counts as that, so that sums are finite."""
        value = max(-LARGEST, min(LARGEST, value))
        self.count += 1
        self.total += value
        if value < self.min:
            self.min = value
        if value > self.max:
            self.max = value
        if value > 0:
            step = _step(value)
            self._steps[step] = self._steps.get(step, 0) + 1
        elif value < 0:
            step = _step(-value)
            self._negative[step] = self._negative.get(step, 0) + 1
        else:
            self._zeros += 1

    def merge(self, other: QuantileSketch) -> None:
        """Count everything `other` counted."""
        self.count += other.count
        self.total += other.total
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)
        self._zeros += other._zeros
        for mine, theirs in ((self._steps, other._steps), (self._negative, other._negative)):
            for step, count in theirs.items():
                mine[step] = mine.get(step, 0) + count

    @property
    def mean(self) -> float:
        """The mean, NaN when nothing was counted."""
        return self.total / self.count if self.count else math.nan

    def quantile(self, fraction: float) -> float:
        """The value at rank `ceil(fraction * count)`; NaN when nothing was counted."""
        if not self.count:
            return math.nan
        rank = max(1, math.ceil(fraction * self.count))
        if rank == self.count:
            return self.max
        seen = 0
        for value, count in self._ascending():
            seen += count
            if seen >= rank:
                return min(max(value, self.min), self.max)
        return self.max

    def counts_between(self, cuts: Sequence[float]) -> list[float]:
        """How many values are at most the first of `cuts` (ascending), between it and the next,
        and so on; the last count is of those beyond all cuts."""
        counts = [0.0] * (len(cuts) + 1)
        for value, count in self._ascending():
            counts[bisect_left(cuts, min(max(value, self.min), self.max))] += count
        return counts

    def as_json(self) -> dict[str, Any]:
        """All that `from_json` needs; `{"count": 0}` when nothing was counted."""
        if not self.count:
            return {"count": 0}
        return {
            "count": self.count,
            "total": self.total,
            "min": self.min,
            "max": self.max,
            "zeros": self._zeros,
            "steps": _pack(self._steps),
            "negative_steps": _pack(self._negative),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> QuantileSketch:
        sketch = cls()
        if data["count"]:
            sketch.count = data["count"]
            sketch.total, sketch.min, sketch.max = data["total"], data["min"], data["max"]
            sketch._zeros = data["zeros"]
            sketch._steps = _unpack(data["steps"])
            sketch._negative = _unpack(data["negative_steps"])
        return sketch

    def _ascending(self) -> list[tuple[float, int]]:
        down = sorted(self._negative.items(), reverse=True)
        up = sorted(self._steps.items())
        return [
            *((-_middle(step), count) for step, count in down),
            *(((0.0, self._zeros),) if self._zeros else ()),
            *((_middle(step), count) for step, count in up),
        ]


def _step(value: float) -> int:
    fraction, exponent = math.frexp(value)  # value = fraction * 2 ** exponent, 0.5 <= fraction < 1
    return exponent * STEPS + int((fraction - 0.5) * 2 * STEPS)


def _middle(step: int) -> float:
    exponent, within = divmod(step, STEPS)
    return math.ldexp(0.5 + (within + 0.5) / (2 * STEPS), exponent)


def _pack(steps: dict[int, int]) -> str:
    """`step:count` pairs in one text: an indented file with a line for each would be endless."""
    return " ".join(f"{step}:{count}" for step, count in sorted(steps.items()))


def _unpack(text: str) -> dict[int, int]:
    pairs = (pair.split(":") for pair in text.split())
    return {int(step): int(count) for step, count in pairs}


class TopValues:
    """Counts the values that occur most, exactly while there are at most `2 * capacity` of them.

    Beyond that a count may be too low by up to `error`, and a value that is not listed may have
    occurred up to `error` times; `error` is at most total / capacity (the mergeable form of the
    Misra-Gries summary: Agarwal et al., "Mergeable Summaries", PODS 2012).
    """

    def __init__(self, capacity: int = 1000) -> None:
        self.capacity = capacity
        self.counts: dict[str, int] = {}
        self.error = 0

    def add(self, value: str, count: int = 1) -> None:
        self.counts[value] = self.counts.get(value, 0) + count
        if len(self.counts) > 2 * self.capacity:
            self._prune()

    def merge(self, other: TopValues) -> None:
        """Count everything `other` counted."""
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0) + count
        self.error += other.error
        if len(self.counts) > 2 * self.capacity:
            self._prune()

    def top(self, limit: int) -> tuple[list[tuple[str, int]], int]:
        """The `limit` most frequent values, and how often any other may have occurred."""
        ranked = sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        dropped = ranked[limit][1] if len(ranked) > limit else 0
        return ranked[:limit], self.error + dropped

    def _prune(self) -> None:
        cut = sorted(self.counts.values(), reverse=True)[self.capacity]
        self.counts = {value: n - cut for value, n in self.counts.items() if n > cut}
        self.error += cut

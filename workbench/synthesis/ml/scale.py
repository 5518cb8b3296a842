"""The form that numbers of a task have: their bounds, their decimals, their spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MAX_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Scale:
    """How a model's value becomes the answer: back from logarithms, into bounds, rounded.

    `decimals` is None where the examples are not rounded; `whole` makes an integer.
    """

    logarithmic: bool
    least: float
    greatest: float
    decimals: int | None
    whole: bool

    def answer(self, value: float) -> float | int:
        """The answer for a model's value, as `compile_regression` writes it."""
        if self.logarithmic:
            value = math.expm1(min(value, 700.0))
        value = max(self.least, min(value, self.greatest))
        if self.whole:
            return round(value)
        return value if self.decimals is None else round(value, self.decimals)


def scale_of(values: Sequence[float | int], *, logarithmic: bool) -> Scale:
    """The form of these answers: bounds a span beyond them, decimals if all are rounded."""
    least, greatest = float(min(values)), float(max(values))
    span = greatest - least
    found = next((count for count in range(MAX_DECIMALS + 1) if _rounded(values, count)), None)
    return Scale(
        logarithmic,
        least=max(0.0, least - span) if least >= 0 else least - span,
        greatest=greatest + span,
        decimals=found,
        whole=all(isinstance(value, int) for value in values),
    )


def _rounded(values: Sequence[float | int], decimals: int) -> bool:
    return all(abs(round(float(value), decimals) - value) <= 1e-12 * abs(value) for value in values)

"""Where to cut a number: few places, each the roundest number that separates the same examples."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MAX_CUTS = 24
SAME = 1e-9


def cut_points(values: NDArray[np.float64]) -> list[float]:
    """At most MAX_CUTS cuts t, ascending, for tests `value > t`.

    `values` (n,) may hold NaN for missing. Every gap between distinct values is a cut while
    they are few; beyond that, the gaps nearest to the quantiles.
    """
    present = np.sort(values[~np.isnan(values)])
    distinct = np.unique(present)
    if len(distinct) > 1:  # values that differ by rounding alone are one value
        apart = np.diff(distinct) > SAME * np.abs(distinct[1:])
        distinct = distinct[np.concatenate([[True], apart])]
    gaps = np.arange(len(distinct) - 1)
    if len(gaps) > MAX_CUTS:
        ranks = np.linspace(0, len(present) - 1, MAX_CUTS + 2)[1:-1].astype(int)
        places = np.searchsorted(distinct, present[ranks], side="left")
        gaps = np.unique(np.clip(places, 0, len(distinct) - 2))
    whole = bool(np.all(distinct == np.floor(distinct))) and bool(np.all(np.abs(distinct) < 1e15))
    return [
        round_between(float(distinct[gap]), float(distinct[gap + 1]), whole=whole) for gap in gaps
    ]


def round_between(low: float, high: float, *, whole: bool = False) -> float:
    """A short number t with low <= t < high, from the middle half of that gap where it can be.

    Raises no error for any finite low < high. With `whole`, low and high are whole and so is t.
    """
    if whole and high - low <= 2:
        return int(low + (high - low) // 2)
    middle, width = low + (high - low) / 2, high - low
    bottom, top = low + width / 4, high - width / 4
    if not math.isfinite(width) or width <= 0:
        return middle
    exponent = math.floor(math.log10(width))
    for digits in range(-exponent - 1, -exponent + 4):
        for step in (10, 5, 2, 1):  # multiples of 10, 5, 2, 1 of the last digit
            unit = step * 10.0**-digits
            candidate = round(round(middle / unit) * unit, max(digits, 0))
            if bottom <= candidate <= top and low <= candidate < high:
                return int(candidate) if whole else candidate
    return middle

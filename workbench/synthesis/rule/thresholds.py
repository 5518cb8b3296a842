"""Where to cut a number: few places, each the roundest number that separates the same examples."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MAX_CUTS = 24
SAME = 1e-9


def cut_points(values: NDArray[np.float64], most: int = MAX_CUTS) -> list[float]:
    """Cuts t, ascending, for tests `value > t`.

    `values` (n,) may hold NaN for missing. Every gap between distinct values is a cut while
    there are at most twice as many as `most`; beyond that, as many as `most`, at the gaps
    nearest to the quantiles.
    """
    distinct, present = distinct_values(values)
    gaps = np.arange(len(distinct) - 1)
    if len(gaps) > 2 * most:
        ranks = np.linspace(0, len(present) - 1, most + 2)[1:-1].astype(int)
        places = np.searchsorted(distinct, present[ranks], side="left")
        gaps = np.unique(np.clip(places, 0, len(distinct) - 2))
    return cuts_in_gaps(distinct, gaps)


def cuts_near(values: NDArray[np.float64], cut: float, most: int) -> list[float]:
    """The cuts in the `most` gaps on either side of a cut, ascending."""
    distinct, _ = distinct_values(values)
    place = int(np.searchsorted(distinct, cut, side="right")) - 1
    gaps = np.arange(max(0, place - most), min(len(distinct) - 1, place + most + 1))
    return cuts_in_gaps(distinct, gaps)


def distinct_values(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values that differ by more than rounding, and all that are not missing, ascending."""
    present = np.sort(values[~np.isnan(values)])
    distinct = np.unique(present)
    if len(distinct) > 1:
        apart = np.diff(distinct) > SAME * np.abs(distinct[1:])
        distinct = distinct[np.concatenate([[True], apart])]
    return distinct, present


def cuts_in_gaps(distinct: NDArray[np.float64], gaps: NDArray[np.int64]) -> list[float]:
    """A short number in each of the numbered gaps between ascending values."""
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

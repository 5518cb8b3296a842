"""How long to wait before the next try, longer after each failure and never the same for two boxes.

Exponential with jitter (M. Brooker, "Exponential Backoff And Jitter", AWS 2015): boxes that lost
the hub together do not come back together.
"""

from __future__ import annotations

import random

#: Chance of its own, so that no seed set elsewhere brings boxes into step.
_CHANCE = random.Random()  # noqa: S311


def seconds_to_wait(
    failures: int, *, first: float, most: float, chance: random.Random = _CHANCE
) -> float:
    """After so many failures in a row, counted from 0; between half of `first` and `most`."""
    return chance.uniform(first / 2, min(most, first * 2 ** min(failures, 30)))

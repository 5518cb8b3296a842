"""From how strongly a model speaks to how often it is right, measured on rows it had not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.synthesis.rule.models import Sure

BINS = 8
BIN_SIZE = 12
PRIOR_ROWS = 2.0


def calibrate(strengths: NDArray[np.float64], right: NDArray[np.bool_]) -> Sure:
    """Steps that never fall: the share right in bins of like strength, pooled where out of order.

    Each bin's share is drawn a little towards the whole's; confidences lie in [0.01, 0.99].
    Pooling is isotonic regression by adjacent violators (Barlow et al., 1972).
    """
    if len(strengths) == 0:
        return Sure(((0.0, 0.5),))
    overall = (float(right.sum()) + 1) / (len(right) + 2)
    bins = max(1, min(BINS, len(strengths) // BIN_SIZE))
    edges = np.unique(np.quantile(strengths, np.linspace(0, 1, bins + 1)[:-1], method="lower"))
    places = np.searchsorted(edges, strengths, side="right") - 1
    pools: list[tuple[float, float, float]] = []  # least strength, rows, right
    for place, least in enumerate(edges):
        inside = places == place
        pools.append((float(least), float(inside.sum()), float(right[inside].sum())))
        while len(pools) > 1 and _share(pools[-2], overall) >= _share(pools[-1], overall):
            _, rows, hits = pools.pop()
            first, rows_before, hits_before = pools.pop()
            pools.append((first, rows_before + rows, hits_before + hits))
    steps = [
        (
            0.0 if number == 0 else pool[0],
            float(np.clip(round(_share(pool, overall), 2), 0.01, 0.99)),
        )
        for number, pool in enumerate(pools)
    ]
    return Sure(tuple(step for n, step in enumerate(steps) if n == 0 or step[1] > steps[n - 1][1]))


def _share(pool: tuple[float, float, float], overall: float) -> float:
    _, rows, hits = pool
    return (hits + PRIOR_ROWS * overall) / (rows + PRIOR_ROWS)

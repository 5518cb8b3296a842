"""Groups of terms that speak for one class, judged as if each example had not been seen.

A word that occurs once is perfectly precise on its own example, so a group is scored on each
example by the words that would be in it without that example (leave one out, in closed form).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.synthesis.rule.conditions import HasTerms, IsOneOf
from workbench.synthesis.rule.literals import Literal
from workbench.synthesis.rule.table import ALONE, Codes, FeatureTable, Mask

PRECISIONS = (0.6, 0.75, 0.9)
MAX_GROUP = 40
PRIOR_EXAMPLES = 1.0
MAX_CLASSES = 6  # looked at for each rule


@dataclass(frozen=True, slots=True)
class Family:
    """Columns that may be merged: their numbers (f,), their part of the matrix (n, f), and the
    first of their conditions.
    """

    members: Codes
    block: sparse.csr_matrix
    kind: HasTerms | IsOneOf


def word_families(table: FeatureTable) -> list[Family]:
    """The families of terms and of category values, one a field."""
    found = []
    for number in range(int(table.families.max(initial=ALONE)) + 1):
        members = np.flatnonzero(table.families == number)
        first = table.conditions[members[0]] if len(members) else None
        if isinstance(first, HasTerms | IsOneOf):
            found.append(Family(members, table.matrix[:, members].tocsr(), first))
    return found


def propose_groups(
    families: Iterable[Family],
    onehot: NDArray[np.float64],
    open_rows: Mask,
    at_least: tuple[int, ...],
) -> Iterator[tuple[Literal, int, Mask]]:
    """(any-of literal, its class, open rows where it holds unseen), for each class and family."""
    prior = onehot[open_rows].mean(axis=0)
    for family in families:
        counts = np.asarray(family.block.T @ (onehot * open_rows[:, None]))
        for label in _commonest(prior):
            mine = onehot[:, label] > 0
            yield from _groups_of(family, mine, counts, label, open_rows, at_least)


def _commonest(prior: NDArray[np.float64]) -> list[int]:
    """The classes to look for groups of, the most frequent first."""
    order = np.lexsort((np.arange(len(prior)), -prior))[:MAX_CLASSES]
    return [int(label) for label in order if 0 < prior[label] < 1]


def _groups_of(
    family: Family,
    mine: Mask,
    counts: NDArray[np.float64],
    label: int,
    open_rows: Mask,
    at_least: tuple[int, ...],
) -> Iterator[tuple[Literal, int, Mask]]:
    support, correct = counts.sum(axis=1), counts[:, label]
    share = float(mine[open_rows].mean())
    if np.count_nonzero(correct >= 2) < 2:
        return
    for precision in PRECISIONS:
        least = share + (1 - share) * precision
        chosen = np.flatnonzero(_speaks(correct, support, share, least, 0.0))
        if chosen.size < 2:
            continue
        strengths = _strength(correct[chosen], support[chosen], share)
        chosen = chosen[np.lexsort((chosen, -np.round(strengths, 9)))[:MAX_GROUP]]
        weakest = float(_strength(correct[chosen], support[chosen], share).min())
        # Which terms would be in the group had one example of the class, or of another, not been.
        without_mine = _speaks(correct - 1, support - 1, share, least, weakest)
        without_other = _speaks(correct, support - 1, share, least, weakest)
        unseen = np.where(mine, family.block @ without_mine, family.block @ without_other)
        columns = tuple(int(column) for column in np.sort(family.members[chosen]))
        for least_found in at_least if isinstance(family.kind, HasTerms) else (1,):
            yield Literal(columns, least_found), label, (unseen >= least_found) & open_rows


def _speaks(
    correct: NDArray[np.float64],
    support: NDArray[np.float64],
    share: float,
    least: float,
    weakest: float,
) -> NDArray[np.float64]:
    """1.0 for each term precise, frequent and strong enough to be in a group, else 0.0."""
    precision = (correct + PRIOR_EXAMPLES * share) / (np.maximum(support, 0) + PRIOR_EXAMPLES)
    strong = _strength(correct, support, share) >= weakest - 1e-9
    return ((support >= 2) & (precision >= least) & strong).astype(np.float64)


def _strength(
    correct: NDArray[np.float64], support: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Standard deviations by which a term prefers the class."""
    spread = np.sqrt(np.maximum(support, 1) * share * (1 - share))
    return (correct - support * share) / spread

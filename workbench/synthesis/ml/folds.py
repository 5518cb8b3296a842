"""Which rows are held out in turn while models are compared. Seeded; learns nothing."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fold:
    """Row numbers to learn from and to judge by."""

    train: Rows
    held_out: Rows


def stratified_folds(labels: Sequence[int], count: int, seed: int) -> list[Fold]:
    """`count` folds, or fewer where classes are small, with each class spread evenly.

    The only row of a class is never held out, so every fold knows all classes.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        members[label].append(row)
    held: list[list[int]] = [[] for _ in range(count)]
    shuffler = random.Random(seed)  # noqa: S311 - a split, not a secret
    turn = 0
    for label in sorted(members):
        rows = members[label]
        if len(rows) < 2:
            continue
        shuffler.shuffle(rows)
        for row in rows:
            held[turn % count].append(row)
            turn += 1
    every = np.arange(len(labels))
    return [
        Fold(np.setdiff1d(every, rows), np.array(sorted(rows), dtype=np.int64))
        for rows in held
        if rows
    ]


def plain_folds(count_of_rows: int, count: int, seed: int) -> list[Fold]:
    """`count` folds of as many rows as there are, whatever their values."""
    return stratified_folds([0] * count_of_rows, min(count, max(2, count_of_rows)), seed)

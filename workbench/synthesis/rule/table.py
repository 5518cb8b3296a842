"""Which conditions hold for which inputs, as a sparse boolean matrix that induction works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.synthesis.kinds import Path
from workbench.synthesis.rule.conditions import Condition

ALONE = -1
DISTINCT = frozenset({"term", "value"})  # families whose columns are never stood in for
Mask = NDArray[np.bool_]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Column:
    """A condition and the rows (ascending) where it holds.

    Columns of one `family` may be merged into an "any of" condition. `total` is false where
    the opposite is not simply the rest: a number that some inputs lack. `rich` marks what a
    reader follows less easily: parts of words, ratios, differences, multiples.
    """

    condition: Condition
    rows: NDArray[np.int32]
    family: tuple[str, Path] | None = None
    total: bool = True
    rich: bool = False


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Conditions (m,) and the matrix (n inputs, m) of where they hold.

    `families` (m,) numbers the groups of columns that may be merged; ALONE for none.
    """

    conditions: tuple[Condition, ...]
    matrix: sparse.csc_matrix
    families: Codes
    total: Mask
    rich: Mask

    @property
    def inputs(self) -> int:
        return int(self.matrix.shape[0])

    def rows(self, rows: Codes) -> FeatureTable:
        """The table of some of the inputs."""
        return replace(self, matrix=self.matrix[rows])

    def columns(self, columns: Codes) -> FeatureTable:
        """The table of some of the conditions."""
        kept = tuple(self.conditions[column] for column in columns)
        return FeatureTable(
            kept,
            self.matrix[:, columns],
            self.families[columns],
            self.total[columns],
            self.rich[columns],
        )

    def beside(self, other: FeatureTable) -> FeatureTable:
        """The conditions of both tables, which are of the same inputs; `other` merges nothing."""
        return FeatureTable(
            (*self.conditions, *other.conditions),
            sparse.hstack([self.matrix, other.matrix]).tocsc(),
            np.concatenate([self.families, np.full(len(other.families), ALONE)]),
            np.concatenate([self.total, other.total]),
            np.concatenate([self.rich, other.rich]),
        )

    def plain(self) -> FeatureTable:
        """The table without its rich conditions."""
        return self.columns(np.flatnonzero(~self.rich)) if self.rich.any() else self

    def counts(self, within: Mask, onehot: NDArray[np.float64]) -> NDArray[np.float64]:
        """(m, classes): how many inputs of each class, within a mask, satisfy each condition."""
        return np.asarray(self.matrix.T @ (onehot * within[:, None]))

    def column(self, column: int) -> Mask:
        """(n,): the inputs that satisfy one condition."""
        found = np.zeros(self.inputs, dtype=bool)
        start, end = self.matrix.indptr[column : column + 2]
        found[self.matrix.indices[start:end]] = True
        return found

    def holding(self) -> NDArray[np.float64]:
        """(m,): how many inputs satisfy each condition."""
        return np.asarray(self.matrix.sum(axis=0), dtype=np.float64).ravel()


def make_table(columns: Sequence[Column], inputs: int) -> FeatureTable:
    """The table of the columns that hold for some inputs but not all.

    Of several thresholds or patterns that hold for the very same inputs the first is kept;
    terms and values are all kept, since elsewhere they may part.
    """
    kept: list[Column] = []
    seen: set[bytes] = set()
    for column in columns:
        if not 0 < len(column.rows) < inputs:
            continue
        key = column.rows.tobytes()
        if column.family is None or column.family[0] not in DISTINCT:
            if key in seen:
                continue
            seen.add(key)
        kept.append(column)
    lengths = [len(column.rows) for column in kept]
    rows = np.concatenate([column.rows for column in kept]) if kept else np.zeros(0, np.int32)
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    matrix = sparse.csc_matrix(
        (np.ones(len(rows), dtype=np.float64), rows, pointers), shape=(inputs, len(kept))
    )
    names = list(dict.fromkeys(column.family for column in kept if column.family))
    places = {name: place for place, name in enumerate(names)}
    families = [ALONE if c.family is None else places[c.family] for c in kept]
    return FeatureTable(
        tuple(column.condition for column in kept),
        matrix,
        np.array(families, dtype=np.int64),
        np.array([column.total for column in kept], dtype=bool),
        np.array([column.rich for column in kept], dtype=bool),
    )


def strongest_columns(table: FeatureTable, onehot: NDArray[np.float64], most: int) -> Codes:
    """The columns, ascending, whose class mix differs most from chance: largest z of any class."""
    held = table.counts(np.ones(table.inputs, dtype=bool), onehot)
    support = held.sum(axis=1, keepdims=True)
    share = onehot.mean(axis=0)
    spread = np.sqrt(np.maximum(support * share * (1 - share) * (1 - support / table.inputs), 1e-9))
    strength = (np.abs(held - support * share) / spread).max(axis=1)
    useful = np.flatnonzero((support.ravel() > 0) & (support.ravel() < table.inputs))
    order = np.lexsort((useful, -np.round(strength[useful], 9)))[:most]
    return np.sort(useful[order])

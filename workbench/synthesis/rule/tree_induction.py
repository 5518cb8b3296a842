"""Decision trees over the columns of a feature table, grown by CART."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from workbench.synthesis.rule.table import Codes, FeatureTable, Mask, strongest_columns

MAX_COLUMNS = 1500


@dataclass(frozen=True, slots=True)
class TreeSettings:
    leaves: int
    leaf_support: int = 2


@dataclass(frozen=True, slots=True)
class DraftLeaf:
    label: int


@dataclass(frozen=True, slots=True)
class DraftSplit:
    column: int
    yes: DraftTree
    no: DraftTree


DraftTree = DraftSplit | DraftLeaf


def induce_tree(
    table: FeatureTable, classes: Codes, count: int, settings: TreeSettings, seed: int
) -> DraftTree:
    """Grow a tree best split first; `classes` (n,) are class numbers out of `count`."""
    columns = strongest_columns(table, np.eye(count)[classes], MAX_COLUMNS)
    if len(columns) == 0:
        return DraftLeaf(int(np.bincount(classes).argmax()))
    model = DecisionTreeClassifier(
        max_leaf_nodes=settings.leaves,
        min_samples_leaf=settings.leaf_support,
        random_state=seed,
    )
    model.fit(table.matrix[:, columns], classes)
    grown = model.tree_

    def convert(node: int) -> DraftTree:
        no, yes = int(grown.children_left[node]), int(grown.children_right[node])
        if no == yes:
            return DraftLeaf(int(model.classes_[grown.value[node, 0].argmax()]))
        column = int(columns[grown.feature[node]])
        return _joined(column, convert(yes), convert(no))

    return convert(0)


def _joined(column: int, yes: DraftTree, no: DraftTree) -> DraftTree:
    """A split, unless both sides answer alike."""
    return yes if yes == no else DraftSplit(column, yes, no)


def leaves(tree: DraftTree, table: FeatureTable) -> Iterator[tuple[DraftLeaf, Mask]]:
    """Each leaf, yes before no, and the inputs (n,) that reach it."""

    def walk(part: DraftTree, rows: Mask) -> Iterator[tuple[DraftLeaf, Mask]]:
        if isinstance(part, DraftLeaf):
            yield part, rows
            return
        held = table.column(part.column)
        yield from walk(part.yes, rows & held)
        yield from walk(part.no, rows & ~held)

    yield from walk(tree, np.ones(table.inputs, dtype=bool))

"""Writes ensembles of trees as tables of nodes, one tree a line."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.synthesis.ml.compiled import Compiled, Names, write_row
from workbench.synthesis.ml.space import Array, Space
from workbench.synthesis.ml.write_code import number, write_table, write_tuple


def compile_forest(space: Space, estimator: Any, names: Names) -> Compiled:
    """Trees of which each leaf holds shares of the classes: scores are logarithms of means."""
    upper = names.constants
    trees = [_write_tree(tree.tree_, _shares(tree.tree_)) for tree in estimator.estimators_]
    score = f"""def {names.own}_scores(data):
    \"\"\"The logarithm of each class's share in the leaves that the input falls into.\"\"\"
    shares = {names.shared}_add_leaves({upper}_TREES, {names.own}_row(data))
    return {names.shared}_take_logarithms([share / 1000 for share in shares])"""
    return _compiled_trees(space, trees, score, names, {"take_logarithms"}, False)


def compile_boosting(space: Space, estimator: Any, names: Names) -> Compiled:
    """Trees that each correct the sum of those before, one a score in every stage."""
    upper = names.constants
    stages, count = estimator.estimators_.shape
    rate = estimator.learning_rate * stages * count
    trees = []
    for stage in estimator.estimators_:
        for position, tree in enumerate(stage):
            values = np.zeros((tree.tree_.node_count, count))
            values[:, position] = tree.tree_.value[:, 0, 0] * rate
            trees.append(_write_tree(tree.tree_, values))
    origin = np.zeros((1, estimator.n_features_in_))
    start = np.ravel(_decide(estimator, origin)) - sum(
        estimator.learning_rate * np.array([tree.predict(origin)[0] for tree in stage])
        for stage in estimator.estimators_
    )
    biases = write_tuple([float(value) for value in start])
    score = f"""def {names.own}_scores(data):
    \"\"\"The sum over all trees of what the leaves say that the input falls into.\"\"\"
    sums = {names.shared}_add_leaves({upper}_TREES, {names.own}_row(data))
    return [bias + value for bias, value in zip({biases}, sums, strict=True)]"""
    return _compiled_trees(space, trees, score, names, set(), count == 1)


def compile_mean_of_trees(space: Space, estimators: Any, names: Names) -> Compiled:
    """Regression trees whose mean is the score."""
    upper = names.constants
    trees = [_write_tree(tree.tree_, tree.tree_.value[:, 0, :]) for tree in estimators]
    score = f"""def {names.own}_scores(data):
    \"\"\"The mean of the leaves that the input falls into.\"\"\"
    return {names.shared}_add_leaves({upper}_TREES, {names.own}_row(data))"""
    return _compiled_trees(space, trees, score, names, set(), True)


def _compiled_trees(
    space: Space, trees: list[str], score: str, names: Names, uses: set[str], single: bool
) -> Compiled:
    read = [name for part in space.parts for name in part.names]
    columns = ", ".join(f"{position} {name}" for position, name in enumerate(read))
    table = f"{names.constants}_TREES = {names.shared}_read_trees({write_table(trees)})"
    return Compiled(
        frozenset({"add_leaves", "read_trees", *uses, *(part.call for part in space.parts)}),
        (f"# Columns of the trees: {columns}"[:2000].replace("\n", " "),),
        (score, write_row(space.parts, names)),
        (table,),
        single,
    )


def _shares(tree: Any) -> Array:
    """Each node's classes in thousandths."""
    values = tree.value[:, 0, :]
    return np.asarray(1000 * values / values.sum(axis=1, keepdims=True))


def _write_tree(tree: Any, values: Array) -> str:
    """One line for `program_code.read_tree`: nodes in preorder."""
    words: list[str] = []

    def visit(node: int) -> None:
        below, above = int(tree.children_left[node]), int(tree.children_right[node])
        if below < 0:
            words.append("=" + ",".join(number(float(value), 7) for value in values[node]))
            return
        place = len(words)
        words.append("")
        visit(below)
        limit = _exact_limit(float(tree.threshold[node]))
        words[place] = f"{tree.feature[node]}<{limit}>{len(words)}"
        visit(above)

    visit(0)
    return " ".join(words)


def _exact_limit(threshold: float) -> str:
    """The limit for doubles that parts numbers as `threshold` parts the same as float32.

    scikit-learn rounds what it compares to float32. The greatest double that still rounds to
    no more than the threshold, rounded down to 7 digits, parts all numbers of up to 7 digits
    just so.
    """
    below = np.float32(threshold)
    if float(below) > threshold:
        below = np.nextafter(below, np.float32(-np.inf))
    above = np.nextafter(below, np.float32(np.inf))
    edge = (float(below) + float(above)) / 2
    text = f"{edge:.7g}"
    if float(text) > edge:
        mantissa, _, exponent = f"{edge:.6e}".partition("e")
        step = 10.0 ** (int(exponent) - 6)
        text = f"{float(mantissa + 'e' + exponent) - step:.7g}"
    return text


def _decide(estimator: Any, rows: Array) -> Array:
    """The estimator's raw score, whether it tells classes apart or estimates numbers."""
    decide = getattr(estimator, "decision_function", estimator.predict)
    return np.asarray(decide(rows))

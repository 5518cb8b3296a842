"""Writes a regression as a fragment of plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.synthesis.fragment import Fragment
from workbench.synthesis.ml.column_heads import ColumnHead
from workbench.synthesis.ml.compile_linear import compile_linear
from workbench.synthesis.ml.compile_trees import compile_boosting, compile_mean_of_trees
from workbench.synthesis.ml.compiled import Compiled, Names
from workbench.synthesis.ml.linear_heads import linear_weights
from workbench.synthesis.ml.models import Model
from workbench.synthesis.ml.scale import Scale
from workbench.synthesis.ml.write_code import assemble, imports_of, number

DIGITS = 12
LARGEST = 99_999


def compile_regression(
    model: Model, scale: Scale, right: float, function: str, title: str, notes: tuple[str, ...]
) -> Fragment:
    """The fragment `function(input_data)` -> (number, confidence).

    The confidence is `right`, the share of answers expected to be exact, the same for all.
    """
    names = Names(function, function)
    compiled = _compile(model, names)
    lines = [
        f"def {function}(input_data):",
        f'    """The number by {title}."""',
        f"    value = {function}_scores(input_data)[0]",
    ]
    if scale.logarithmic:
        lines.append("    value = math.expm1(min(value, 700.0))")
    least, greatest = number(scale.least, DIGITS), number(scale.greatest, DIGITS)
    lines.append(f"    value = max({least}, min(value, {greatest}))")
    answer = "float(value)"
    if scale.whole:
        answer = "round(value)"
    elif scale.decimals is not None:
        answer = f"round(float(value), {scale.decimals})"
    lines.append(f"    return {answer}, {round(right, 3)!r}")
    source = assemble("", "\n".join(lines), [compiled], (), function)
    return Fragment(function, source, imports_of(source), True, notes)


def _compile(model: Model, names: Names) -> Compiled:
    head = model.recipe.head
    estimator: Any = model.estimator
    if isinstance(head, ColumnHead):
        if head.family == "boosting":
            return compile_boosting(model.space, estimator, names)
        trees = getattr(estimator, "estimators_", [estimator])
        return compile_mean_of_trees(model.space, trees, names)
    weights, biases = linear_weights(estimator)
    return compile_linear(
        model.space, np.asarray(weights), np.asarray(biases), names, LARGEST, DIGITS
    )

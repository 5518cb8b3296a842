"""Writes a classifier, one model or a blend, as a fragment of plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.synthesis.fragment import Fragment
from workbench.synthesis.ml.column_heads import ColumnHead
from workbench.synthesis.ml.compile_columns import compile_densities, compile_kernels
from workbench.synthesis.ml.compile_linear import compile_linear
from workbench.synthesis.ml.compile_trees import compile_boosting, compile_forest
from workbench.synthesis.ml.compiled import Compiled, Names
from workbench.synthesis.ml.linear_heads import linear_weights
from workbench.synthesis.ml.models import Model
from workbench.synthesis.ml.write_code import (
    assemble,
    imports_of,
    number,
    write_labels,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A model of a classifier: the factor that calibrates its scores, its weight in a blend."""

    model: Model
    sharpness: float
    weight: int


def compile_classifier(
    members: Sequence[Member],
    labels: Sequence[Any],
    sharpness: float,
    *,
    function: str,
    about: str,
    largest: int,
) -> Fragment:
    """The fragment `function(input_data)` -> (label, confidence).

    `labels` are the JSON values of the classes in order; `sharpness` calibrates a blend;
    `largest` is the size of the greatest integer weight of a token.
    """
    names = [Names(own, function) for own in _own_names(function, len(members))]
    compiled = [
        _compile(member.model, name, largest) for member, name in zip(members, names, strict=True)
    ]
    chances = [
        _chances(member, model, name)
        for member, model, name in zip(members, compiled, names, strict=True)
    ]
    uses = {"share_out"}
    if len(members) == 1:
        steps = [f"    chances = {chances[0]}"]
    else:
        uses.add("blend")
        votes = [
            f"        ({member.weight}, {chance}),"
            for member, chance in zip(members, chances, strict=True)
        ]
        blended = f"{function}_blend(votes, {number(sharpness)})"
        steps = ["    votes = [", *votes, "    ]", f"    chances = {blended}"]
    constant = f"{function.upper()}_LABELS"
    written, read = write_labels(constant, labels, "chances.index(top)")
    main = [
        f"def {function}(input_data):",
        f'    """{about}"""',
        *steps,
        "    top = max(chances)",
        f"    return {read}, round(top, 4)",
    ]
    source = assemble(written, "\n".join(main), compiled, uses, function)
    return Fragment(function, source, imports_of(source), gives_confidence=True)


def _own_names(function: str, count: int) -> list[str]:
    if count == 1:
        return [function]
    return [f"{function}_model_{position}" for position in range(1, count + 1)]


def _chances(member: Member, compiled: Compiled, names: Names) -> str:
    scores = f"{names.own}_scores(input_data)"
    if compiled.single_score:
        scores = f"[0.0, *{scores}]"
    return f"{names.shared}_share_out({scores}, {number(member.sharpness)})"


def _compile(model: Model, names: Names, largest: int) -> Compiled:
    head = model.recipe.head
    if isinstance(head, ColumnHead):
        write = {
            "kernel": compile_kernels,
            "density": compile_densities,
            "forest": compile_forest,
            "boosting": compile_boosting,
        }[head.family]
        return write(model.space, model.estimator, names)
    weights, biases = linear_weights(model.estimator)
    return compile_linear(model.space, weights, biases, names, largest)

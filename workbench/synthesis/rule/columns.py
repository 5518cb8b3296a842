"""One column of values solved from the inputs: by rules, by example, or by both, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.synthesis.by_example import are_lists, solve_list, solve_number, solve_text
from workbench.synthesis.fragment import RankedFragment
from workbench.synthesis.kinds import FieldKind, InputField, OutputKind, class_label, output_kind
from workbench.synthesis.rule.conditions import Reading
from workbench.synthesis.rule.inducer import induce_classes
from workbench.synthesis.strategy import Progress

SURE = 0.98  # a program found by example that does as well as this needs no rival
SHOWN = 0.5  # share of answers that must stand in their inputs before they are looked for there
MAX_SEARCHED = 500  # characters: in longer texts a label is a topic, not a part to copy
MOST_BY_EXAMPLE = 2
MAX_CLASSES = 50
EXAMPLES_A_CLASS = 3


def solve_column(
    inputs: Sequence[Mapping[str, Any]],
    values: Sequence[Any],
    schema: Mapping[str, Any],
    fields: Sequence[InputField],
    *,
    function: str,
    seed: int,
    prefix: str | None = None,
    progress: Progress = lambda message: None,
) -> list[RankedFragment]:
    """Fragments that give `values[i]` for `inputs[i]`, best first; none where nothing is found.

    `schema` is the JSON Schema of these values. None among them says that there is no value.
    """
    kind = output_kind(schema, values)
    shown = kind is OutputKind.CLASS and _stand_in_inputs(values, inputs, fields)
    by_example: list[RankedFragment] = []
    if kind is OutputKind.NUMBER:
        by_example = solve_number(
            inputs, values, fields, function=function, seed=seed, progress=progress
        )
    elif kind is OutputKind.TEXT or shown:
        by_example = solve_text(
            inputs, values, fields, function=function, seed=seed, progress=progress
        )
    elif are_lists(values):
        by_example = solve_list(
            inputs, values, fields, function=function, seed=seed, progress=progress
        )
    surest = max((each.score for each in by_example), default=0.0)
    rules: list[RankedFragment] = []
    if surest < SURE and (kind is OutputKind.CLASS or _few_classes(values)):
        rules = induce_classes(
            inputs,
            values,
            fields,
            function=function,
            seed=seed,
            prefix=prefix,
            progress=progress,
        )
    return (
        sorted([*by_example[:MOST_BY_EXAMPLE], *rules], key=lambda each: -each.score)
        if by_example
        else rules
    )


def _few_classes(values: Sequence[Any]) -> bool:
    """Whether the values repeat enough to be told apart by rules."""
    distinct = len({class_label(value) for value in values})
    return distinct <= min(MAX_CLASSES, max(1, len(values) // EXAMPLES_A_CLASS))


def _stand_in_inputs(
    values: Sequence[Any], inputs: Sequence[Mapping[str, Any]], fields: Sequence[InputField]
) -> bool:
    """Whether the values are texts that mostly can be seen, in some case, in their inputs."""
    present = [(value, data) for value, data in zip(values, inputs, strict=True) if value]
    if not present or not all(isinstance(value, str) for value, _ in present):
        return False
    paths = [f.path for f in fields if f.kind in (FieldKind.TEXT, FieldKind.CATEGORY)]
    shown = 0
    for value, data in present:
        texts = [Reading(data).text(path).lower() for path in paths]
        shown += any(value.lower() in text for text in texts if len(text) <= MAX_SEARCHED)
    return shown >= SHOWN * len(present)

"""Takes an object output apart into properties that are learned one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.synthesis.fragment import Fragment
from workbench.synthesis.kinds import OutputKind, Path, class_label, output_kind
from workbench.synthesis.strategy import NotApplicableError


@dataclass(frozen=True, slots=True)
class Property:
    """One leaf of the output: its place, kind, value in each example, and schema."""

    path: Path
    kind: OutputKind
    values: tuple[Any, ...]
    schema: Mapping[str, Any]

    @property
    def name(self) -> str:
        return ".".join(self.path) or "the output"

    @property
    def is_constant(self) -> bool:
        return len({class_label(value) for value in self.values}) == 1


def output_properties(schema: Mapping[str, Any], outputs: Sequence[Any]) -> list[Property]:
    """The leaves of object outputs, in the order of the first output.

    Raises NotApplicableError where an output lacks a property that others have.
    """
    return _collect(schema, outputs, ())


def function_names(properties: Sequence[Property]) -> list[str]:
    """A function name for each property, none of which begins with another and '_'."""
    names = [
        "answer_" + (re.sub(r"[^a-z0-9]+", "_", item.name.lower()).strip("_") or "value")
        for item in properties
    ]
    clash = any(
        one == other or other.startswith(one + "_")
        for position, one in enumerate(names)
        for other in names[:position] + names[position + 1 :]
    )
    if not clash:
        return names
    return [
        name.replace("answer_", f"answer_{position}_", 1)
        for position, name in enumerate(names, start=1)
    ]


def constant_fragment(value: Any, function: str) -> Fragment:
    """A function that always answers `value`."""
    source = f'def {function}(input_data):\n    """The same in every example."""\n'
    return Fragment(function, source + f"    return {value!r}\n")


def _collect(schema: Mapping[str, Any], outputs: Sequence[Any], above: Path) -> list[Property]:
    kind = output_kind(schema, outputs)
    whole = all(isinstance(output, Mapping) for output in outputs)
    if kind is not OutputKind.OBJECT or not whole:
        return [Property(above, kind, tuple(outputs), schema)]
    inner = schema.get("properties")
    schemas = inner if isinstance(inner, Mapping) else {}
    found: list[Property] = []
    for key in dict.fromkeys(key for output in outputs for key in output):
        lacking = sum(key not in output for output in outputs)
        if lacking:
            name = ".".join((*above, key))
            raise NotApplicableError(
                f"the property {name} is missing from {lacking} of {len(outputs)} outputs; "
                "give it as null there"
            )
        own = schemas.get(key)
        values = [output[key] for output in outputs]
        found.extend(_collect(own if isinstance(own, Mapping) else {}, values, (*above, key)))
    return found

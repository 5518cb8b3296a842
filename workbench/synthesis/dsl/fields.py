"""Which input fields a task has and of what types, and which of them a condition reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime.models import TaskSpecification
from workbench.synthesis.kinds import MISSING, Path, value_at
from workbench.synthesis.rule.conditions import (
    Compares,
    Condition,
    Difference,
    Ratio,
    SameText,
)

# Keywords by which a schema may say more about its fields than `properties` does.
_COMPOSED = {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties"}


def is_known_field(path: Path, task: TaskSpecification) -> bool:
    """Whether the schema, or an example, has this field; true where the schema leaves it open."""
    schema: Any = task.input_schema
    for key in path:
        if not isinstance(schema, Mapping) or schema.keys() & _COMPOSED:
            return True
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return True
        if key not in properties:
            return any(value_at(each.input, path) is not MISSING for each in task.examples)
        schema = properties[key]
    return True


def field_names(schema: Mapping[str, Any]) -> list[str]:
    """The dotted names of the fields a schema declares, inner ones after their outer ones."""
    names: list[str] = []
    properties = schema.get("properties")
    for key, inner in properties.items() if isinstance(properties, Mapping) else ():
        below = field_names(inner) if isinstance(inner, Mapping) else []
        names.extend([f"{key}.{name}" for name in below] or [key])
    return names


def declared_schema(schema: Any, path: Path) -> Mapping[str, Any]:
    """What the schema says of one field; empty where it says nothing."""
    for key in path:
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        schema = properties.get(key) if isinstance(properties, Mapping) else None
    return schema if isinstance(schema, Mapping) else {}


def types_of(schema: Any) -> set[str]:
    """The JSON types a schema names; empty when it names none."""
    found = schema.get("type") if isinstance(schema, Mapping) else None
    if isinstance(found, str):
        return {found}
    return {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()


def paths_of(condition: Condition) -> tuple[Path, ...]:
    """The fields that a condition with no conditions inside reads."""
    match condition:
        case Compares(Ratio(path, other) | Difference(path, other)) | SameText(path, other):
            return path, other
        case Compares(quantity):
            return (quantity.path,)
        case _:
            return (getattr(condition, "path"),)  # noqa: B009

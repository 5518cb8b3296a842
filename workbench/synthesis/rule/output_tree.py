"""An output object as columns of values, one for each leaf, and what may be absent from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.synthesis.kinds import MISSING, Path, value_at


@dataclass(frozen=True, slots=True)
class OutputTree:
    """`leaves` gives each leaf's values, None where it is absent or null.

    `left_out` are the leaves and objects that some outputs lack; `nulled` the objects that
    some have null in place of.
    """

    leaves: Mapping[Path, tuple[Any, ...]]
    left_out: tuple[Path, ...]
    nulled: tuple[Path, ...]


def read_outputs(outputs: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> OutputTree:
    """The leaves of these objects, in the order of the schema and then of the examples.

    A path that holds an object in every example that has it is taken apart; any other value,
    lists and empty objects included, is a leaf.
    """
    leaves: dict[Path, tuple[Any, ...]] = {}
    left_out: list[Path] = []
    nulled: list[Path] = []

    def visit(path: Path, known: Mapping[str, Any]) -> None:
        found = [value_at(output, path) for output in outputs]
        present = [value for value in found if value is not MISSING]
        if len(present) < len(found) and _above_is_there(outputs, path):
            left_out.append(path)
        values = [value for value in present if value is not None]
        keys = _keys(values, known)
        if values and keys and all(isinstance(value, Mapping) for value in values):
            if any(value is None for value in present):
                nulled.append(path)
            for key in keys:
                visit((*path, key), _schema_of(known, key))
        elif present:
            leaves[path] = tuple(None if value is MISSING else value for value in found)

    for key in _keys(outputs, schema):
        visit((key,), _schema_of(schema, key))
    return OutputTree(
        leaves, tuple(left_out), tuple(path for path in nulled if path not in left_out)
    )


def _above_is_there(outputs: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Whether an output lacks this key though it has the object around it."""
    around = [value_at(output, path[:-1]) for output in outputs]
    return any(isinstance(each, Mapping) and path[-1] not in each for each in around)


def _keys(values: Sequence[Any], schema: Mapping[str, Any]) -> list[str]:
    declared = schema.get("properties")
    keys = dict.fromkeys(declared if isinstance(declared, Mapping) else ())
    for value in values:
        keys.update(dict.fromkeys(value if isinstance(value, Mapping) else ()))
    return [key for key in keys if any(isinstance(v, Mapping) and key in v for v in values)]


def _schema_of(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    properties = schema.get("properties")
    inner = properties.get(key) if isinstance(properties, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def schema_at(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The schema of the value at a path; empty where the schema says nothing of it."""
    for key in path:
        schema = _schema_of(schema, key)
    return schema

"""What kind of value each input field and the output hold, read from schema and examples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runtime.models import Example, TaskSpecification

Path = tuple[str, ...]
MAX_CLASSES = 100
MISSING = object()


class FieldKind(StrEnum):
    TEXT = "text"
    CATEGORY = "category"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OTHER = "other"


class OutputKind(StrEnum):
    CLASS = "class"  # one of few values: enum, boolean, or few distinct strings or integers
    NUMBER = "number"
    TEXT = "text"
    OBJECT = "object"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class InputField:
    """One leaf of the input object. `path` is its keys from the root.

    `optional` is true when an example lacks it or holds null there;
    `values` lists a category's values, sorted.
    """

    path: Path
    kind: FieldKind
    optional: bool = False
    values: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return ".".join(self.path)


def value_at(data: Any, path: Path) -> Any:
    """The value at `path`, or MISSING where a key is absent or a level is no object."""
    for key in path:
        if not isinstance(data, Mapping) or key not in data:
            return MISSING
        data = data[key]
    return data


def input_fields(task: TaskSpecification, examples: Sequence[Example]) -> list[InputField]:
    """The leaves of the inputs in the order they are met: schema first, then examples."""
    paths: dict[Path, None] = {}
    _collect_schema_paths(task.input_schema, (), paths)
    for example in examples:
        _collect_value_paths(example.input, (), paths)
    leaves = [path for path in paths if not any(_is_above(path, other) for other in paths)]
    return [_describe(path, task.input_schema, examples) for path in leaves]


def output_kind(schema: Mapping[str, Any], values: Sequence[Any]) -> OutputKind:
    """The kind of an output with this schema of which `values` are examples."""
    if schema.get("enum") is not None or "const" in schema or schema.get("type") == "boolean":
        return OutputKind.CLASS
    present = [value for value in values if value is not None]
    if not present:
        return OutputKind.OTHER
    if all(isinstance(value, bool) for value in present):
        return OutputKind.CLASS
    if all(_is_number(value) for value in present):
        whole = all(float(value).is_integer() for value in present)
        distinct = len({float(value) for value in present})
        few = distinct <= 10 and len(present) >= 10 * distinct
        return OutputKind.CLASS if whole and few else OutputKind.NUMBER
    if all(isinstance(value, str) for value in present):
        distinct = len(set(present))
        few = distinct <= min(MAX_CLASSES, max(2, len(present) // 4))
        return OutputKind.CLASS if few and len(present) >= 4 else OutputKind.TEXT
    if all(isinstance(value, Mapping) for value in present):
        return OutputKind.OBJECT
    return OutputKind.OTHER


def class_label(value: Any) -> str:
    """A class as text: canonical JSON, so `true`, `"true"` and `1` stay apart."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _collect_schema_paths(schema: Any, above: Path, into: dict[Path, None]) -> None:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if isinstance(properties, Mapping):
        for key, inner in properties.items():
            nested = isinstance(inner, Mapping) and inner.get("properties")
            if nested:
                _collect_schema_paths(inner, (*above, key), into)
            else:
                into.setdefault((*above, key))


def _collect_value_paths(value: Any, above: Path, into: dict[Path, None]) -> None:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            _collect_value_paths(inner, (*above, key), into)
    elif above and (value is not None or above not in into):
        into.setdefault(above)


def _is_above(path: Path, other: Path) -> bool:
    return len(path) < len(other) and other[: len(path)] == path


def _describe(path: Path, schema: Mapping[str, Any], examples: Sequence[Example]) -> InputField:
    found = [value_at(example.input, path) for example in examples]
    values = [value for value in found if value is not MISSING and value is not None]
    optional = len(values) < len(found)
    declared = _schema_at(schema, path)
    options = declared.get("enum")
    if values and all(isinstance(value, bool) for value in values):
        return InputField(path, FieldKind.BOOLEAN, optional)
    if values and all(_is_number(value) for value in values):
        return InputField(path, FieldKind.NUMBER, optional)
    if all(isinstance(value, str) for value in values):
        if isinstance(options, list):
            named = {option for option in options if isinstance(option, str)}
            return InputField(path, FieldKind.CATEGORY, optional, tuple(sorted(named)))
        distinct = set(values)
        short = all(len(value) <= 40 and "\n" not in value for value in distinct)
        few = len(distinct) <= max(2, min(50, len(values) // 8))
        if values and short and few:
            return InputField(path, FieldKind.CATEGORY, optional, tuple(sorted(distinct)))
        return InputField(path, FieldKind.TEXT if values else FieldKind.OTHER, optional)
    return InputField(path, FieldKind.OTHER, optional)


def _schema_at(schema: Any, path: Path) -> Mapping[str, Any]:
    for key in path:
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        if not isinstance(properties, Mapping) or key not in properties:
            return {}
        schema = properties[key]
    return schema if isinstance(schema, Mapping) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

"""How like an oracle's answer an answer is: exact, fuzzy or semantic, objects field by field.

Comparators are found by name, installed ones through the entry point group `loopai.comparators`.
Exact and fuzzy are pure; semantic asks a model for embeddings, see `semantic`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from runtime.models import ComparisonRule, ValidationSettings
from runtime.validation.exact import TOLERANCE_KEYWORD, matches

Schema = Mapping[str, Any]
#: From the strictest on: what is said of an object whose fields are compared differently.
STRICTNESS = ("exact", "fuzzy", "semantic")


@dataclass(frozen=True, slots=True)
class Comparison:
    """`similarity` is in [0, 1]; `method` is what was used, which a fallback may change."""

    match: bool
    similarity: float
    method: str


class Comparator(Protocol):
    """Compares two values that are no objects. May raise OracleError where it needs a model."""

    def compare(
        self, expected: Any, got: Any, rule: ComparisonRule, schema: Schema
    ) -> Comparison: ...


class Exact:
    """The same JSON value; numbers up to rounding or the tolerance of their rule or schema."""

    def compare(self, expected: Any, got: Any, rule: ComparisonRule, schema: Schema) -> Comparison:
        if rule.tolerance is not None:
            schema = {**schema, TOLERANCE_KEYWORD: rule.tolerance}
        if matches(expected, got, schema):
            return Comparison(True, 1.0, "exact")
        return Comparison(False, _closeness(expected, got), "exact")


class Comparisons:
    """Compares whole answers of one task by its settings."""

    def __init__(
        self,
        settings: ValidationSettings,
        output_schema: Schema,
        comparators: Mapping[str, Comparator],
    ) -> None:
        self._settings = settings
        self._schema = output_schema
        self._comparators = comparators

    def compare(self, expected: Any, got: Any) -> Comparison:
        """`expected` is the oracle's. An object matches where each of its fields does; its
        similarity is the mean of theirs. Raises OracleError as its comparators do."""
        return self._compare(expected, got, "", self._settings, self._schema)

    def _compare(
        self, expected: Any, got: Any, path: str, rule: ComparisonRule, schema: Schema
    ) -> Comparison:
        rule = self._settings.fields.get(path, rule)
        if isinstance(expected, Mapping) and isinstance(got, Mapping):
            properties = _mapping(schema.get("properties"))
            names = sorted(expected.keys() | got.keys())
            parts = [
                self._compare(
                    expected[name],
                    got[name],
                    f"{path}.{name}" if path else name,
                    rule,
                    _mapping(properties.get(name)),
                )
                if name in expected and name in got
                else Comparison(False, 0.0, "exact")
                for name in names
            ]
            return _joined(parts)
        if isinstance(expected, list) and isinstance(got, list) and rule.comparison != "exact":
            items = _mapping(schema.get("items"))
            parts = [
                self._compare(one, other, path, rule, items)
                for one, other in zip(expected, got, strict=False)
            ]
            missing = abs(len(expected) - len(got))
            return _joined([*parts, *[Comparison(False, 0.0, "exact")] * missing])
        return self._comparators[rule.comparison].compare(expected, got, rule, schema)


def _joined(parts: list[Comparison]) -> Comparison:
    if not parts:
        return Comparison(True, 1.0, "exact")
    return Comparison(
        all(part.match for part in parts),
        sum(part.similarity for part in parts) / len(parts),
        max((part.method for part in parts), key=_looseness),
    )


def _looseness(method: str) -> int:
    return STRICTNESS.index(method) if method in STRICTNESS else len(STRICTNESS)


def _closeness(expected: Any, got: Any) -> float:
    """How near two unequal numbers are, in [0, 1); 0 for anything else."""
    numbers = (expected, got)
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
        return 0.0
    largest = max(abs(expected), abs(got))
    return max(0.0, 1.0 - abs(expected - got) / largest) if largest else 0.0


def _mapping(value: Any) -> Schema:
    return value if isinstance(value, Mapping) else {}

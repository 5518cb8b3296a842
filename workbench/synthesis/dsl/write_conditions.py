"""Conditions as the plain data a rule document holds; the opposite of reading them."""

from __future__ import annotations

from typing import Any

from workbench.synthesis.dsl.read_conditions import OPERATORS
from workbench.synthesis.kinds import Path
from workbench.synthesis.rule.conditions import (
    Affixed,
    AllOf,
    AnyOf,
    Compares,
    Condition,
    Difference,
    HasTerms,
    IsMissing,
    IsMultiple,
    IsOneOf,
    Matches,
    Not,
    Number,
    Quantity,
    Ratio,
    SameText,
    TextMeasure,
)
from workbench.synthesis.rule.text import PATTERNS

_TESTS = {operator: test for test, operator in OPERATORS.items()} | {"==": "equals"}


def path_data(path: Path) -> Any:
    """A field's dotted name, or its keys where one has a dot of its own."""
    return list(path) if any("." in key for key in path) else ".".join(path)


def condition_data(condition: Condition) -> dict[str, Any]:
    """The mapping that reads back as this condition."""
    match condition:
        case HasTerms(path, terms, at_least):
            return {"field": path_data(path)} | _terms_data(terms, at_least)
        case Matches(path, pattern, name):
            if PATTERNS.get(name) == pattern:
                return {"field": path_data(path), "has": name}
            called = {} if name == "pattern" else {"called": name}
            return {"field": path_data(path), "matches": pattern, **called}
        case Compares(quantity, operator, value):
            return _quantity_data(quantity) | {_TESTS[operator]: _number(value)}
        case IsOneOf(path, values):
            one = len(values) == 1
            return {"field": path_data(path)} | (
                {"equals": values[0]} if one else {"in": list(values)}
            )
        case Affixed(path, end, values):
            test = "starts_with" if end == "start" else "ends_with"
            return {"field": path_data(path), test: values[0] if len(values) == 1 else list(values)}
        case IsMultiple(path, of):
            return {"field": path_data(path), "multiple_of": of}
        case SameText(path, other):
            return {"field": path_data(path), "same_as": path_data(other)}
        case IsMissing(path):
            return {"missing": path_data(path)}
        case Not(IsMissing(path)):
            return {"exists": path_data(path)}
        case Not(inner):
            return {"not": condition_data(inner)}
        case AllOf((Compares(first, ">=", low), Compares(second, "<=", high))) if (
            first == second and low <= high
        ):
            return _quantity_data(first) | {"between": [_number(low), _number(high)]}
        case AllOf(conditions):
            return {"all": [condition_data(inner) for inner in conditions]}
        case AnyOf(conditions):
            return {"any": [condition_data(inner) for inner in conditions]}


def _terms_data(terms: tuple[str, ...], at_least: int) -> dict[str, Any]:
    if len(terms) == 1:
        return {"contains": terms[0]}
    if at_least == len(terms):
        return {"all_of": list(terms)}
    least = {} if at_least == 1 else {"minimum": at_least}
    return {"any_of": list(terms), **least}


def _quantity_data(quantity: Quantity) -> dict[str, Any]:
    match quantity:
        case Number(path):
            return {"field": path_data(path)}
        case Ratio(path, by):
            return {"ratio": [path_data(path), path_data(by)]}
        case Difference(path, less):
            return {"difference": [path_data(path), path_data(less)]}
        case TextMeasure(path, name):
            return {"field": path_data(path), "measure": name}


def _number(value: float) -> float:
    """A whole number without its point; numpy's numbers as Python's."""
    plain = float(value)
    return int(plain) if plain.is_integer() and abs(plain) < 1e15 else plain

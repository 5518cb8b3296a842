"""What a rule may ask of an input, as plain data, and whether it holds.

The meaning of every condition is defined here once, by `Reading` and `holds`; the Python and
the rule documents written from conditions must agree with it. Missing or odd-typed fields make
a condition false, never an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from workbench.synthesis.kinds import MISSING, Path, value_at
from workbench.synthesis.rule.text import MAX_TEXT, MEASURES, find_terms, read_words

MAX_NUMBER = 1e300  # beyond it arithmetic may overflow; such a number reads as missing
MAX_SHOWN = 1e15  # beyond it a number is not read as text
NAN = math.nan
Operator = Literal[">", ">=", "<", "<=", "=="]


@dataclass(frozen=True, slots=True)
class Number:
    """The number at a path."""

    path: Path


@dataclass(frozen=True, slots=True)
class Ratio:
    """One number divided by another; missing where that is 0."""

    path: Path
    by: Path


@dataclass(frozen=True, slots=True)
class Difference:
    """One number less another."""

    path: Path
    less: Path


@dataclass(frozen=True, slots=True)
class TextMeasure:
    """A measure of the text at a path; `name` is a key of MEASURES."""

    path: Path
    name: str


Quantity = Number | Ratio | Difference | TextMeasure


@dataclass(frozen=True, slots=True)
class HasTerms:
    """At least so many of these terms (see text.find_terms) occur in the text."""

    path: Path
    terms: tuple[str, ...]
    at_least: int = 1


@dataclass(frozen=True, slots=True)
class Matches:
    """The regular expression is found in the text. `name` is what a reader calls it."""

    path: Path
    pattern: str
    name: str


@dataclass(frozen=True, slots=True)
class Compares:
    """A quantity against a fixed number; false where the quantity is missing."""

    quantity: Quantity
    operator: Operator
    value: float


@dataclass(frozen=True, slots=True)
class IsOneOf:
    """The value is exactly one of these texts or booleans."""

    path: Path
    values: tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class Affixed:
    """The text without its outer spaces starts (or ends) with one of these, in any case."""

    path: Path
    end: Literal["start", "end"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IsMultiple:
    """The number is whole and divisible by `of`."""

    path: Path
    of: int


@dataclass(frozen=True, slots=True)
class SameText:
    """Two fields hold the same text, in any case, and not an empty one."""

    path: Path
    other: Path


@dataclass(frozen=True, slots=True)
class IsMissing:
    """The field is absent or null."""

    path: Path


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    conditions: tuple[Condition, ...]


Leaf = HasTerms | Matches | Compares | IsOneOf | Affixed | IsMultiple | SameText | IsMissing
Condition = Leaf | Not | AllOf | AnyOf


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def as_text(value: Any) -> str:
    """What a rule reads where a text belongs: a list's texts joined, "" for null and objects."""
    if isinstance(value, list):
        value = ", ".join(item for item in value if isinstance(item, str))
    elif isinstance(value, int | float) and abs(value) < MAX_SHOWN:
        value = str(value)
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def as_number(value: Any) -> float:
    """What a rule reads where a number belongs: NaN for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_NUMBER:
        return value
    return NAN


class Reading:
    """One input seen through the eyes of conditions, each text split into words once."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self._words: dict[Path, list[str]] = {}

    def value(self, path: Path) -> Any:
        value = value_at(self.data, path)
        return None if value is MISSING else value

    def text(self, path: Path) -> str:
        return as_text(self.value(path))

    def words(self, path: Path) -> list[str]:
        if path not in self._words:
            self._words[path] = read_words(self.text(path))
        return self._words[path]

    def number(self, path: Path) -> float:
        return as_number(self.value(path))

    def quantity(self, quantity: Quantity) -> float:
        match quantity:
            case Number(path):
                return self.number(path)
            case Ratio(path, by):
                divisor = self.number(by)
                return self.number(path) / divisor if divisor else NAN
            case Difference(path, less):
                return self.number(path) - self.number(less)
            case TextMeasure(path, name):
                return MEASURES[name].of(self.text(path))


def holds(condition: Condition, reading: Reading) -> bool:
    """Whether the input satisfies the condition."""
    match condition:
        case HasTerms(path, terms, at_least):
            return len(find_terms(reading.words(path), terms)) >= at_least
        case Matches(path, pattern, _):
            return compiled(pattern).search(reading.text(path)) is not None
        case Compares(quantity, operator, value):
            return compare(reading.quantity(quantity), operator, value)
        case IsOneOf(path, values):
            found = reading.value(path)
            return isinstance(found, str | bool) and found in values
        case Affixed(path, end, values):
            text = reading.text(path).strip().lower()
            return text.startswith(values) if end == "start" else text.endswith(values)
        case IsMultiple(path, of):
            return reading.number(path) % of == 0
        case SameText(path, other):
            text = reading.text(path).strip().lower()
            return text != "" and text == reading.text(other).strip().lower()
        case IsMissing(path):
            return reading.value(path) is None
        case Not(inner):
            return not holds(inner, reading)
        case AllOf(conditions):
            return all(holds(inner, reading) for inner in conditions)
        case AnyOf(conditions):
            return any(holds(inner, reading) for inner in conditions)


def compare(number: float, operator: Operator, value: float) -> bool:
    """`number operator value`; false for NaN."""
    match operator:
        case ">":
            return number > value
        case ">=":
            return number >= value
        case "<":
            return number < value
        case "<=":
            return number <= value
        case "==":
            return number == value

"""Conditions as a rule document says them, turned into the conditions that rules are made of.

A condition is a mapping with one test, such as `{field: text, any_of: [free, win]}`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

from runtime.yaml_document import Place, YamlDocument
from workbench.synthesis.dsl.regular_expressions import pattern_fault
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
    Operator,
    Quantity,
    Ratio,
    SameText,
    TextMeasure,
)
from workbench.synthesis.rule.text import (
    FIRST_MARK,
    MEASURES,
    PATTERNS,
    PREFIX_MARK,
    SUFFIX_MARK,
    read_words,
)

MAX_VALUE = 1e300
MAX_WORDS = 3
OPERATORS: dict[str, Operator] = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
TERM_TESTS = ("contains", "any_of", "all_of")
NUMBER_TESTS = (*OPERATORS, "equals", "between")
FIELD_TESTS = (
    *TERM_TESTS, "matches", "has", "starts_with", "ends_with", "in", "multiple_of", "same_as",
    *NUMBER_TESTS,
)  # fmt: skip
WHOLE_TESTS = ("all", "any", "not", "missing", "exists")
SOURCES = ("field", "ratio", "difference", "measure")
COMPANIONS = {"minimum": "any_of", "called": "matches", "measure": "field"}


class ConditionReader:
    """Reads conditions of one document; whatever is wrong is an error with its line."""

    def __init__(self, document: YamlDocument) -> None:
        self.document = document

    def read(self, data: Any, place: Place) -> Condition:
        """Raises InvalidInputError naming the field."""
        if not isinstance(data, Mapping) or not data:
            self._fail(
                "must be one condition, a mapping.", place, "Write {field: NAME, contains: WORD}."
            )
        known = {*FIELD_TESTS, *WHOLE_TESTS, *SOURCES, *COMPANIONS}
        for key in data:
            if key not in known:
                tests = ", ".join((*FIELD_TESTS, *WHOLE_TESTS))
                self._fail(f"there is no test {key!r}.", (*place, str(key)), f"Tests: {tests}.")
        asked = [key for key in data if key in FIELD_TESTS or key in WHOLE_TESTS]
        if len(asked) != 1:
            found = f"has the tests {', '.join(asked)}" if asked else "has no test"
            remedy = "Write one test a condition; join several with all: or any:."
            self._fail(f"{found}.", place, remedy)
        test = asked[0]
        if test in WHOLE_TESTS:
            self._only(data, place, {test})
            return self._read_whole(test, data[test], (*place, test))
        return self._read_field_test(test, data, place)

    def read_path(self, data: Any, place: Place) -> Path:
        """A field's name, dotted for a field in a field; a list of keys where a key has a dot."""
        keys = data.split(".") if isinstance(data, str) else data
        if not isinstance(keys, list) or not keys or not all(_is_key(key) for key in keys):
            self._fail("must be the name of a field.", place, "Such as text, or customer.age.")
        return tuple(keys)

    def read_many(self, data: Any, place: Place) -> tuple[Condition, ...]:
        """A list of conditions, at least one."""
        if not isinstance(data, list) or not data:
            self._fail("must be a list of conditions.", place)
        return tuple(self.read(item, (*place, number)) for number, item in enumerate(data))

    def read_terms(self, data: Any, place: Place) -> tuple[str, ...]:
        """Words or phrases, lower case; `begin-`, `-end` and `^first` stand for word parts."""
        texts = self._texts(data, place)
        terms = []
        for text in texts:
            term = " ".join(text.lower().replace("’", "'").split())
            whole, many = _as_read(term)
            words = read_words(whole)
            if not words or " ".join(words) != whole:
                self._fail(
                    f"{text!r} is no word or phrase, so no text contains it.",
                    place,
                    "Words hold letters and digits only; for signs use matches.",
                )
            if len(words) > many:
                self._fail(
                    f"{text!r} has {len(words)} words; a phrase has at most {MAX_WORDS}, "
                    "a marked word one.",
                    place,
                    "Use matches for longer ones.",
                )
            terms.append(term)
        return tuple(dict.fromkeys(terms))

    def read_pattern(self, data: Any, place: Place) -> str:
        """A sound regular expression."""
        if not isinstance(data, str):
            self._fail("must be a regular expression in quotes.", place)
        if fault := pattern_fault(data):
            self._fail(fault[0], place, fault[1])
        return data

    def _read_whole(self, test: str, data: Any, place: Place) -> Condition:
        match test:
            case "all":
                return AllOf(self.read_many(data, place))
            case "any":
                return AnyOf(self.read_many(data, place))
            case "not":
                return Not(self.read(data, place))
            case "missing":
                return IsMissing(self.read_path(data, place))
            case _:
                return Not(IsMissing(self.read_path(data, place)))

    def _read_field_test(self, test: str, data: Mapping[str, Any], place: Place) -> Condition:
        if test in NUMBER_TESTS and not (test == "equals" and not _is_number(data[test])):
            quantity = self._read_quantity(test, data, place)
            return self._compare(test, quantity, data[test], (*place, test))
        allowed = {"field", test} | {key for key, owner in COMPANIONS.items() if owner == test}
        self._only(data, place, allowed)
        if "field" not in data:
            self._fail("field is missing.", place, "Say which field the test reads.")
        path = self.read_path(data["field"], (*place, "field"))
        value, here = data[test], (*place, test)
        match test:
            case "contains" | "any_of" | "all_of":
                return self._read_terms(test, path, data, place)
            case "matches":
                name = data.get("called", "pattern")
                if not isinstance(name, str) or not name.strip() or not name.isprintable():
                    self._fail("must be a few words.", (*place, "called"))
                return Matches(path, self.read_pattern(value, here), name)
            case "has":
                if not isinstance(value, str) or value not in PATTERNS:
                    self._fail(f"there is no pattern {value!r}.", here, _known(PATTERNS))
                return Matches(path, PATTERNS[value], value)
            case "starts_with" | "ends_with":
                texts = tuple(text.lower() for text in self._texts(value, here))
                return Affixed(path, "start" if test == "starts_with" else "end", texts)
            case "multiple_of":
                if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                    self._fail("must be a whole number from 1.", here)
                return IsMultiple(path, value)
            case "same_as":
                return SameText(path, self.read_path(value, here))
            case _:
                return self._read_values(path, value, here)

    def _read_terms(self, test: str, path: Path, data: Mapping[str, Any], place: Place) -> HasTerms:
        here = (*place, test)
        if test == "contains" and not isinstance(data[test], str):
            self._fail("must be one word or phrase.", here, "For several use any_of or all_of.")
        if test != "contains" and not isinstance(data[test], list):
            self._fail("must be a list of words.", here)
        terms = self.read_terms(data[test], here)
        least = data.get("minimum", 1)
        if not isinstance(least, int) or isinstance(least, bool) or not 1 <= least <= len(terms):
            self._fail(
                f"must be a whole number from 1 to {len(terms)}, the number of terms.",
                (*place, "minimum"),
            )
        return HasTerms(path, terms, len(terms) if test == "all_of" else least)

    def _read_values(self, path: Path, value: Any, place: Place) -> Condition:
        """`equals` one value or `in` several: texts and booleans as they are, numbers as numbers"""
        values = value if place[-1] == "in" else [value]
        if not isinstance(values, list) or not values:
            self._fail("must be a list of values.", place)
        for number, item in enumerate(values):
            if not isinstance(item, str | bool) and not _is_number(item):
                where = (*place, number) if place[-1] == "in" else place
                self._fail("must be text, a number, true or false.", where, "Put it in quotes.")
        exact = tuple(dict.fromkeys(item for item in values if isinstance(item, str | bool)))
        numbers = [item for item in values if not isinstance(item, str | bool)]
        parts: list[Condition] = [IsOneOf(path, exact)] if exact else []
        parts.extend(Compares(Number(path), "==", item) for item in numbers)
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _read_quantity(self, test: str, data: Mapping[str, Any], place: Place) -> Quantity:
        kinds = [key for key in ("ratio", "difference", "field") if key in data]
        if len(kinds) != 1:
            remedy = "Write field: NAME, or ratio: [A, B], or difference: [A, B]."
            self._fail("must name one field, ratio or difference to compare.", place, remedy)
        kind = kinds[0]
        self._only(data, place, {kind, test} | ({"measure"} if kind == "field" else set()))
        value, here = data[kind], (*place, kind)
        if kind == "field":
            path = self.read_path(value, here)
            if "measure" not in data:
                return Number(path)
            name = data["measure"]
            if not isinstance(name, str) or name not in MEASURES:
                self._fail(f"there is no measure {name!r}.", (*place, "measure"), _known(MEASURES))
            return TextMeasure(path, name)
        if not isinstance(value, list) or len(value) != 2:
            self._fail("must be a list of two fields.", here, f"Such as {kind}: [paid, price].")
        first, second = (self.read_path(item, (*here, n)) for n, item in enumerate(value))
        return Ratio(first, second) if kind == "ratio" else Difference(first, second)

    def _compare(self, test: str, quantity: Quantity, value: Any, place: Place) -> Condition:
        if test == "between":
            if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
                self._fail("must be a list of two numbers, both included.", place)
            if value[0] > value[1]:
                self._fail("the first number is above the second.", place, "Swap them.")
            low, high = Compares(quantity, ">=", value[0]), Compares(quantity, "<=", value[1])
            return AllOf((low, high))
        if not _is_number(value):
            self._fail("must be a number.", place)
        return Compares(quantity, OPERATORS.get(test, "=="), value)

    def _texts(self, data: Any, place: Place) -> list[str]:
        texts = data if isinstance(data, list) else [data]
        for number, text in enumerate(texts):
            if not isinstance(text, str) or not text:
                where = (*place, number) if isinstance(data, list) else place
                self._fail("must be text, and not empty.", where, "Put it in quotes.")
        if not texts:
            self._fail("must not be an empty list.", place)
        return texts

    def _only(self, data: Mapping[str, Any], place: Place, allowed: set[str]) -> None:
        for key in data:
            if key not in allowed:
                self._fail(f"does not go with {', '.join(sorted(allowed))}.", (*place, key))

    def _fail(self, message: str, place: Place, remedy: str | None = None) -> NoReturn:
        self.document.fail(message, place, remedy)


def _as_read(term: str) -> tuple[str, int]:
    """The words a term stands for, and how many they may be; a word part as part of a word."""
    if term.startswith(FIRST_MARK):
        return term.removeprefix(FIRST_MARK), 1
    if term.endswith(PREFIX_MARK) and len(term) > 1:
        return term.removesuffix(PREFIX_MARK) + "a", 1
    if term.startswith(SUFFIX_MARK) and len(term) > 1:
        return "a" + term.removeprefix(SUFFIX_MARK), 1
    return term, MAX_WORDS


def _is_key(key: Any) -> bool:
    return isinstance(key, str) and key != ""


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= MAX_VALUE
        and not math.isnan(value)
    )


def _known(names: Mapping[str, Any]) -> str:
    return "Known: " + ", ".join(names) + "."

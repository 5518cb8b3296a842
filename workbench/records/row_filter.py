"""Which lines are wanted: `status=error latency_ms>5 "free prize"`; every term must hold.

A term is `field=value`, `!=`, `>`, `<`, `>=`, `<=`, `field~part`, or words to be found anywhere.
A field may be dotted: `input.text`. Letters are compared without case where words are searched.
"""

from __future__ import annotations

import json
import operator
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from runtime.errors import InvalidInputError, Problem

TERM = re.compile(r"([A-Za-z_][\w.-]*)(!=|>=|<=|=|>|<|~)(.*)", re.DOTALL)
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
MISSING = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; without `field`, `text` is to be found anywhere in the line."""

    field: str
    comparison: str
    text: str

    def holds(self, record: dict[str, Any]) -> bool:
        """Whether a decoded line meets the condition; `~` is for texts and what holds them."""
        value = value_in(record, self.field)
        if self.comparison == "~":
            searched = isinstance(value, str | dict | list)
            return searched and self.text.lower() in _as_text(value).lower()
        same = value is not MISSING and (
            _as_text(value) == self.text or _number(value) == _number_in(self.text) is not None
        )
        if self.comparison in ("=", "!="):
            return same is (self.comparison == "=")
        return value is not MISSING and _ordered(self.comparison, value, self.text)


class RowFilter:
    """All terms of a query."""

    def __init__(self, query: str) -> None:
        """Read a query. Raises InvalidInputError when a quotation is not closed."""
        try:
            parts = shlex.split(query)
        except ValueError:
            raise InvalidInputError(
                Problem("a quotation mark is not closed.", remedy="Close it, or take it out.")
            ) from None
        self.query = query
        terms = [_term(part) for part in parts]
        self.terms = [term for term in terms if term.field]
        words = [term.text for term in terms if not term.field]
        self._decode = _field_decoder({term.field for term in self.terms})
        # JSON may hold a letter as itself or as \uXXXX: either will do.
        self._words = [_spellings(word) for word in words]

    @property
    def rare(self) -> tuple[bytes, ...]:
        """Spellings (small letters) of one text that every wanted line holds; () without one."""
        if self._words:
            return max(self._words, key=lambda spellings: len(spellings[0]))
        texts = [term.text for term in self.terms if _is_literal(term)]
        return _spellings(max(texts, key=len)) if texts else ()

    def matches(self, line: bytes) -> bool:
        """Whether a line meets every term; one that is no JSON meets none on a field."""
        if self._words:
            small = line.lower()
            if not all(any(text in small for text in texts) for texts in self._words):
                return False
        if not self.terms:
            return True
        try:
            record = self._decode(line)
        except (ValueError, RecursionError):
            return False
        return all(term.holds(record) for term in self.terms)


def _field_decoder(fields: set[str]) -> Callable[[bytes], dict[str, Any]]:
    """Decodes the wanted top-level keys of a line alone, which costs a third of decoding it all."""
    keys = sorted(fields | {field.split(".")[0] for field in fields})
    names = {f"field_{number}": key for number, key in enumerate(keys)}
    shape = msgspec.defstruct(
        "Wanted", [(name, Any, MISSING) for name in names], rename=names, gc=False
    )
    decode = msgspec.json.Decoder(shape).decode

    def decoded(line: bytes) -> dict[str, Any]:
        found = decode(line)
        values = {key: getattr(found, name) for name, key in names.items()}
        return {key: value for key, value in values.items() if value is not MISSING}

    return decoded


def value_in(record: Any, field: str) -> Any:
    """The value at a dotted place of a record, MISSING where there is none."""
    value = record
    for key in field.split("."):
        if isinstance(value, dict) and field in value:
            return value[field]
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value


def _term(part: str) -> Term:
    match = TERM.fullmatch(part)
    return Term(*match.groups()) if match else Term("", "", part)


def _spellings(text: str) -> tuple[bytes, ...]:
    small = text.lower()
    plain = json.dumps(small, ensure_ascii=False)[1:-1].encode()
    escaped = json.dumps(small)[1:-1].encode()
    return (plain,) if plain == escaped else (plain, escaped)


def _is_literal(term: Term) -> bool:
    """Whether a wanted line must hold the term's text: a number 1 may be written 1.0 or 1e0."""
    if term.comparison == "=":
        return term.text.isalnum() and _number_in(term.text) is None
    return term.comparison == "~" and term.text.isalnum()


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _number_in(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _ordered(comparison: str, value: Any, text: str) -> bool:
    number = _number(value)
    limit = _number_in(text)
    if number is not None and limit is not None:
        return ORDER[comparison](number, limit)
    return isinstance(value, str) and ORDER[comparison](value, text)

"""JSON Schema, compiled once and asked often: inputs, outputs and examples are checked here.

A `$ref` that leaves the schema is an error; nothing is ever fetched, neither by URL nor by file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from runtime.errors import InvalidInputError, Problem

MAX_FAILURES = 20
MAX_MESSAGE = 300

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SchemaFailure:
    """One thing wrong with a value: `path` is a JSON pointer (RFC 6901), "" for the whole."""

    path: str
    message: str


class SchemaError(InvalidInputError):
    """A schema that is not JSON Schema. `place` leads to the fault inside it."""

    def __init__(self, problem: Problem, place: Place) -> None:
        super().__init__(problem)
        self.place = place


class SchemaCheck:
    """One compiled schema (draft 2020-12 unless `$schema` names another)."""

    def __init__(self, schema: dict[str, Any] | bool, what: str) -> None:
        """`what` names the schema in errors, such as `input_schema`. Raises SchemaError."""
        self._validator = _compile(schema, what)
        #: Whether a JSON value is valid; the fast question. Raises ValueError for a value that
        #: is not JSON (a lone surrogate, a key that is not text).
        self.is_valid = self._validator.is_valid

    def errors(self, value: Any) -> list[SchemaFailure]:
        """What is wrong with a JSON value, at most 20 failures; empty when it is valid."""
        try:
            if self.is_valid(value):
                return []
            found: list[SchemaFailure] = []
            for error in self._validator.iter_errors(value):
                found.append(SchemaFailure(pointer(error.instance_path), _shorten(error.message)))
                if len(found) == MAX_FAILURES:
                    break
        except ValueError as error:
            return [SchemaFailure("", f"is not a JSON value: {_reason(error)}")]
        return found


def pointer(place: Iterable[str | int]) -> str:
    """A place inside a JSON value as a JSON pointer, such as `/items/0/a~1b`."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)


def _compile(schema: dict[str, Any] | bool, what: str) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(schema, offline=True)
    except jsonschema_rs.ValidationError as error:
        place = tuple(error.instance_path)
        message, remedy = _shorten(error.message), None
        if "Retrieval is disabled" in message:
            message = message.partition("'")[2].partition("'")[0]
            message = f"refers to {message!r}, which is not inside this schema"
            remedy = "Nothing is fetched: copy what it names under $defs."
        elif place and place[-1] == "type":
            message = message.partition(" is not valid")[0] + " is no type of JSON Schema"
            remedy = "Known types: array, boolean, integer, null, number, object, string."
    except ValueError as error:
        place, message, remedy = (), f"cannot be compiled: {_reason(error)}", None
    field = ".".join(str(part) for part in (what, *place))
    raise SchemaError(Problem(f"{message}.", field=field, remedy=remedy), place)


def _reason(error: ValueError) -> str:
    """The last sentence of an error, without the names of Python's exceptions."""
    return _shorten(str(error).rpartition("Error: ")[2])


def _shorten(text: str) -> str:
    """A message quotes the value it is about, which may be megabytes."""
    line = text.split("\n", 1)[0] if len(text) <= MAX_MESSAGE else text
    if len(line) <= MAX_MESSAGE:
        return line
    half = (MAX_MESSAGE - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"

"""Which records are meant: conditions like `input.email=ann@example.com`, which must all hold.

No language of its own and nothing that is run: a path, `=` or `~`, and a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from runtime.datasets.features import texts
from runtime.errors import InvalidInputError, Problem

CONDITION = re.compile(r"\s*(?P<path>[^=~\s][^=~]*?)\s*(?P<operator>[=~])\s*(?P<value>.*)", re.S)
ROOTS = ("input", "output", "oracle_output", "execution_id")


@dataclass(frozen=True, slots=True)
class Condition:
    """`path = value`: equal, as text or as JSON. `path ~ value`: some text in it contains the
    value, upper and lower case alike."""

    path: tuple[str, ...]
    contains: bool
    value: str

    def holds(self, record: dict[str, Any]) -> bool:
        found: Any = record
        for name in self.path:
            if not isinstance(found, dict) or name not in found:
                return False
            found = found[name]
        if self.contains:
            wanted = self.value.casefold()
            return any(wanted in text.casefold() for text in texts(found))
        return found == self.value if isinstance(found, str) else found in _as_json(self.value)

    def hidden(self) -> str:
        """The condition with its value as a hash: an audit log must not keep what was erased."""
        digest = sha256(self.value.encode()).hexdigest()[:16]
        return f"{'.'.join(self.path)} {'~' if self.contains else '='} sha256:{digest}"


def parse_conditions(given: Iterable[str]) -> list[Condition]:
    """Raises InvalidInputError for one that is none, or when there is none at all."""
    conditions = [_parse(text) for text in given]
    if not conditions:
        raise InvalidInputError(Problem("say which records are meant.", remedy=_REMEDY))
    return conditions


def all_hold(conditions: Sequence[Condition], record: dict[str, Any]) -> bool:
    """Whether a record is meant."""
    return all(condition.holds(record) for condition in conditions)


_REMEDY = "Such as --where input.email=ann@example.com, or --where 'input.text~Ann Smith'."


def _parse(text: str) -> Condition:
    match = CONDITION.fullmatch(text)
    if match is None or not match["value"].strip():
        raise InvalidInputError(Problem(f"{text!r} is no condition.", remedy=_REMEDY))
    path = tuple(match["path"].split("."))
    if path[0] not in ROOTS:
        known = ", ".join(ROOTS)
        raise InvalidInputError(
            Problem(f"{text!r} begins with none of: {known}.", field="where", remedy=_REMEDY)
        )
    return Condition(path, match["operator"] == "~", match["value"].strip())


def _as_json(text: str) -> tuple[Any, ...]:
    """What a value may mean beside text: a number, a switch, null."""
    try:
        return (msgspec.json.decode(text),)
    except ValueError:
        return ()

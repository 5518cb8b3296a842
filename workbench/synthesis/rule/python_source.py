"""Pieces of Python text, laid out as a person would within 100 columns."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

WIDTH = 100
INDENT = "    "
# Names a generated function uses itself, so no field may take them for a local.
TAKEN = frozenset(
    ["input_data", "points", "numbers", "label", "lead", "best", "second", "sure", "least", "each",
     "rows", "name", "threshold", "worth", "words", "math", "re", "printed",
     "isinstance", "len", "map", "max", "sorted", "str", "sum"]
)  # fmt: skip


_STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_ATOM = re.compile(r"\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\.|.", re.DOTALL)
# A stretch of an expression that no line break may part; strings are whole.
_PIECE = re.compile(rf"(?:{_STRING}|[^\"' ]| (?!and |or )(?<!, ))+")


def constant(value: Any) -> str:
    """A JSON value as Python; whole floats as whole numbers."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return quoted(value) if isinstance(value, str) else repr(value)


def confidence(value: float) -> str:
    """A confidence as a float literal: a pair with a whole number is no confidence."""
    written = f"{value:g}"
    return written if "." in written or "e" in written else f"{written}.0"


def quoted(text: str) -> str:
    """A string literal in double quotes where that needs no more escapes."""
    plain = repr(text)
    if plain.startswith("'") and '"' not in plain and "\\'" not in plain:
        return f'"{plain[1:-1]}"'
    return plain


def pattern_literal(pattern: str, indent: int = 0) -> str:
    """A regular expression as a raw string where it can be, in several pieces when long."""
    room = WIDTH - indent - len("re.compile()")
    whole = _raw(pattern)
    if len(whole) <= room - 30:
        return whole
    inner = " " * (indent + 4)
    pieces = [_raw(piece) for piece in _cut(pattern, room - 8)]
    return "\n" + "\n".join(inner + piece for piece in pieces) + "\n" + " " * indent


def _raw(pattern: str) -> str:
    if "\\" not in pattern or not pattern.isprintable() or pattern.endswith("\\"):
        return quoted(pattern)
    if '"' not in pattern:
        return f'r"{pattern}"'
    return f"r'{pattern}'" if "'" not in pattern else quoted(pattern)


def _cut(pattern: str, room: int) -> Iterator[str]:
    """Pieces of at most `room` source characters, cut before a "|" where one is near."""
    piece = ""
    for atom in _ATOM.findall(pattern):
        if piece and len(_raw(piece + atom)) > room:
            place = piece.rfind("|")
            if place < room // 3 or piece[place - 1] == "\\":
                place = len(piece)
            yield piece[:place]
            piece = piece[place:]
        piece += atom
    yield piece


def collection(items: Sequence[str], brackets: str, indent: int, before: int = 0) -> str:
    """Source items in brackets, on one line if they fit after `before` columns, else filled."""
    opening, closing = brackets[0], brackets[1]
    comma = "," if brackets == "()" and len(items) == 1 else ""
    line = opening + ", ".join(items) + comma + closing
    if indent + before + len(line) <= WIDTH - 2:
        return line
    return f"{opening}\n{filled(items, indent + 4)}\n{' ' * indent}{closing}"


def filled(items: Sequence[str], indent: int) -> str:
    """Items separated by commas, as many to a line as fit, each line indented."""
    lines: list[str] = []
    line = ""
    for item in items:
        if line and indent + len(line) + len(item) + 2 > WIDTH:
            lines.append(line)
            line = ""
        line += (" " if line else "") + item + ","
    lines.append(line)
    return "\n".join(" " * indent + each for each in lines)


def conjunction(tests: Sequence[str], indent: int) -> str:
    """`if a and b:`, one test to a line when it is long."""
    line = f"{' ' * indent}if {' and '.join(tests)}:"
    if len(line) <= WIDTH:
        return line
    inner = " " * (indent + 4)
    first, *rest = tests
    lines = [
        *_folded(first, indent + 4),
        *(f for t in rest for f in _folded(f"and {t}", indent + 4)),
    ]
    return "\n".join(
        [f"{' ' * indent}if (", *(inner + each for each in lines), f"{' ' * indent}):"]
    )


def _folded(test: str, indent: int) -> Iterator[str]:
    """A test in several lines when it is long, broken before `and` or `or` and after commas."""
    line, room = "", WIDTH - indent
    for piece in _PIECE.findall(test):
        if line and len(line) + 1 + len(piece) > room:
            yield line
            line = INDENT + piece
        else:
            line += (" " if line else "") + piece
    yield line


def commented(text: str, indent: int = 0) -> str:
    """A comment line, cut to fit."""
    line = " ".join(text.split())
    room = WIDTH - indent - 2
    return " " * indent + "# " + (line if len(line) <= room else line[: room - 1] + "…")


def identifier(text: str, fallback: str) -> str:
    """A plain lower-case ASCII name from any text."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:40].rstrip("_")
    if not name:
        return fallback
    return f"{fallback}_{name}" if name[0].isdigit() else name


class Names:
    """Gives each thing a name of its own, adding a number where one is taken."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._used = set(taken)

    def give(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._used or keyword.iskeyword(name):
            name, number = f"{wanted}_{number}", number + 1
        self._used.add(name)
        return name

"""What the wanted outputs give away before any search: their letters, separators and pieces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

RUNS = re.compile(r"[^\W_]+|[\W_]+")
SEPARATORS = re.compile(r"[\W_]+")
NUMERAL = re.compile(r"\d+(?:\.\d+)?")
_shape_runs = re.compile(r"\d+|[A-Z]+|[^\W\d_]+|\s+|[\W_]")
MAX_SEPARATORS = 14
MAX_PIECES = 60


def fold(text: str) -> str:
    """The text in lower case without accents and in the digits 0 to 9, to see what it has in
    common with another."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(
        str(unicodedata.decimal(letter, letter))
        for letter in letters
        if not unicodedata.combining(letter)
    )


def common_prefix(texts: Sequence[str]) -> str:
    """The longest beginning that all the texts share."""
    first, last = min(texts), max(texts)  # what the extremes share, all share
    length = 0
    while length < len(first) and first[length] == last[length]:
        length += 1
    return first[:length]


def separators(texts: Sequence[str]) -> list[str]:
    """Delimiters of the texts: whole runs of punctuation and single marks, commonest first."""
    counts: dict[str, int] = {}
    for text in texts:
        found: dict[str, None] = {}
        for run in SEPARATORS.findall(text):
            if len(run) <= 4:
                found.setdefault(run)
                if run.strip() and run != run.strip():
                    found.setdefault(run.strip())
            for mark in run:
                if not mark.isspace() or mark in " \t\n":
                    found.setdefault(mark)
        for run in found:
            counts[run] = counts.get(run, 0) + 1
    ordered = sorted(counts, key=lambda run: -counts[run])
    return ordered[:MAX_SEPARATORS]


def shape_of(value: object) -> str:
    """What a value looks like: its runs of digits, letters and spaces, and its marks."""
    if not isinstance(value, str):
        return type(value).__name__
    if len(value) > 200:
        return "long"
    shape = ""
    for run in _shape_runs.findall(value):
        if run.isdigit():
            shape += "9"
        elif run.isspace():
            shape += " "
        elif run.isalnum():
            shape += "A" if run.isupper() else "a"
        else:
            shape += run
    return shape


@dataclass(frozen=True)
class Clues:
    """The outputs wanted of some examples; None where nothing is to be found.

    `unifies` says that inputs of several forms become outputs of one.
    """

    outputs: tuple[str | None, ...]
    unifies: bool = False

    @cached_property
    def present(self) -> tuple[str, ...]:
        return tuple(output for output in self.outputs if output is not None)

    @cached_property
    def joined(self) -> str:
        return "\n".join(self.present)

    @cached_property
    def characters(self) -> frozenset[str]:
        return frozenset("".join(self.present))

    @cached_property
    def folded(self) -> tuple[frozenset[str] | None, ...]:
        """The letters and digits of each output, folded."""
        return tuple(
            None if text is None else frozenset(mark for mark in fold(text) if mark.isalnum())
            for text in self.outputs
        )

    @cached_property
    def separators(self) -> list[str]:
        return separators(self.present)

    @cached_property
    def joiners(self) -> list[str]:
        """What might stand between the parts of an output."""
        runs: dict[str, None] = {}
        for text in self.present:
            for run in SEPARATORS.findall(text):
                if len(run) <= 5:
                    runs.setdefault(run)
        for word in (" and ", " or "):
            if word in self.joined:
                runs.setdefault(word)
        return [*list(runs)[:10], ""] if "" not in runs else list(runs)[:10]

    @cached_property
    def has_upper(self) -> bool:
        return any(mark.isupper() for mark in self.characters)

    @cached_property
    def has_lower(self) -> bool:
        return any(mark.islower() for mark in self.characters)

    @cached_property
    def has_digit(self) -> bool:
        return any(mark.isdigit() for mark in self.characters)

    @cached_property
    def pieces(self) -> list[tuple[str | None, ...]]:
        """Stretches of whole words and marks that every output has at the same place.

        Places are counted from the front, and from the back; the longest come first.
        """
        tokens = [None if text is None else RUNS.findall(text) for text in self.outputs]
        lengths = [len(row) for row in tokens if row is not None]
        if not lengths or not min(lengths):
            return []
        shortest = min(lengths)
        spans: dict[tuple[int | None, int | None], None] = {(0, None): None}
        for size in range(min(shortest, 12), 0, -1):
            for start in range(shortest - size + 1):
                spans.setdefault((start, start + size))
                spans.setdefault((-start - size, -start or None))
        for start in range(1, min(shortest, 4)):
            spans.setdefault((start, None))
            spans.setdefault((0, -start))
        found: dict[tuple[str | None, ...], None] = {}
        for begin, end in spans:
            piece = tuple(None if row is None else "".join(row[begin:end]) for row in tokens)
            if all(text is None or any(mark.isalnum() for mark in text) for text in piece):
                found.setdefault(piece)
        return list(found)[:MAX_PIECES]

    @cached_property
    def numerals(self) -> list[tuple[float | None, ...]]:
        """The numbers that every output has at the same place, as numbers."""
        rows = [
            None if text is None else NUMERAL.findall(text.replace(",", ""))
            for text in self.outputs
        ]
        counts = [len(row) for row in rows if row is not None]
        places = min(counts) if counts else 0
        found: dict[tuple[float | None, ...], None] = {}
        for place in [*range(min(places, 4)), *range(-min(places, 2), 0)]:
            found.setdefault(tuple(None if row is None else float(row[place]) for row in rows))
        return list(found)

    @cached_property
    def widths(self) -> list[int]:
        """Lengths that every output has a run of digits of, for padding."""
        rows = [{len(run) for run in re.findall(r"\d+", text)} for text in self.present]
        shared = set.intersection(*rows) if rows else set()
        return sorted(width for width in shared if 2 <= width <= 12)

    def is_related(self, values: Sequence[object]) -> bool:
        """Whether each text could still give something to its output: they share a character."""
        for value, wanted in zip(values, self.folded, strict=True):
            if not isinstance(value, str) or not wanted:
                continue
            if wanted.isdisjoint(fold(value)):
                return False
        return True

"""How a model may look at an input: text as countable tokens, other fields as a row of numbers.

Each view names a function of `program_code`, which training calls and the program copies.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.synthesis.kinds import FieldKind, InputField, Path
from workbench.synthesis.ml import program_code

# Characters of text read for each millisecond of the task's latency target, measured so
# that reading to the limit takes about half of the target.
WORD_CHARACTERS_PER_MS = 3000
PIECE_CHARACTERS_PER_MS = 200
MEASURED_CHARACTERS = 2000
LONG_TEXT = 1500
SIZES, SIZES_WITHOUT_SPACES = (2, 4), (1, 3)
MAX_STEPS = 8
SKEWED = 2.0


@dataclass(frozen=True, slots=True)
class TextView:
    """Tokens of the texts at `paths`, found by `program_code.<call>(text, *arguments)`."""

    title: str
    paths: tuple[Path, ...]
    call: str
    arguments: tuple[int, ...]
    limit: int

    def tokens(self, data: Any) -> list[str]:
        text = program_code.read_text(data, self.paths, self.limit)
        found: list[str] = getattr(program_code, self.call)(text, *self.arguments)
        return found

    def expression(self, prefix: str, data: str) -> str:
        """Python for the tokens of the input in the variable `data`."""
        text = f"{prefix}_read_text({data}, {self.paths!r}, {self.limit})"
        return f"{prefix}_{self.call}({', '.join([text, *map(str, self.arguments)])})"


@dataclass(frozen=True, slots=True)
class RowPart:
    """One or more columns named `names`, read by `program_code.<call>(data, *arguments)`."""

    names: tuple[str, ...]
    call: str
    arguments: tuple[object, ...]

    def read(self, data: Any) -> list[float]:
        row: list[float] = getattr(program_code, self.call)(data, *self.arguments)
        return row

    def expression(self, prefix: str, data: str) -> str:
        arguments = ", ".join([data, *map(repr, self.arguments)])
        return f"*{prefix}_{self.call}({arguments})"


def text_views(
    fields: Sequence[InputField], inputs: Sequence[Any], latency_ms: float
) -> list[tuple[TextView, ...]]:
    """The ways to look at the text fields that are worth a trial, simplest first.

    Each is a tuple of views, whose tokens are counted apart.
    """
    paths = tuple(field.path for field in fields if field.kind in (FieldKind.TEXT, FieldKind.OTHER))
    if not paths:
        return []
    word_limit = max(200, int(WORD_CHARACTERS_PER_MS * latency_ms))
    piece_limit = max(200, int(PIECE_CHARACTERS_PER_MS * latency_ms))
    spaceless = _written_without_spaces(inputs, paths)
    sizes = SIZES_WITHOUT_SPACES if spaceless else SIZES

    def words(*where: Path) -> TextView:
        return TextView(_titled("words", where, paths), where, "find_words", (), word_limit)

    def pairs(*where: Path) -> TextView:
        title = _titled("words and pairs of words", where, paths)
        return TextView(title, where, "find_pairs", (), word_limit // 2)

    pieces = TextView(
        f"pieces of {sizes[0]} to {sizes[1]} letters", paths, "find_pieces", sizes, piece_limit
    )
    views: list[tuple[TextView, ...]] = [(words(*paths),), (pairs(*paths),)]
    if len(paths) > 1:
        views.insert(1, tuple(words(path) for path in paths))
    # Long texts have words enough to tell them by.
    if spaceless or _mean_length(inputs, paths) < LONG_TEXT:
        views += [(pieces,), (words(*paths), pieces)]
    return views


def row_parts(fields: Sequence[InputField], inputs: Sequence[Any]) -> tuple[RowPart, ...]:
    """Columns for the fields that are not text: numbers, categories, booleans."""
    parts: list[RowPart] = []
    for field in fields:
        name = field.name
        if field.kind is FieldKind.NUMBER:
            middle, missing = _median(field, inputs)
            if missing:
                both = (name, f"{name} is missing")
                parts.append(RowPart(both, "read_optional", (field.path, middle)))
            else:
                parts.append(RowPart((name,), "read_number", (field.path, middle)))
        elif field.kind is FieldKind.BOOLEAN:
            options: tuple[object, ...] = (True, False) if field.optional else (True,)
            names = tuple(f"{name} is {str(option).lower()}" for option in options)
            parts.append(RowPart(names, "compare_options", (field.path, options)))
        elif field.kind is FieldKind.CATEGORY:
            names = tuple(f"{name} is {option}" for option in field.values)
            parts.append(RowPart(names, "compare_options", (field.path, field.values)))
    return tuple(parts)


def logarithm_parts(fields: Sequence[InputField], inputs: Sequence[Any]) -> tuple[RowPart, ...]:
    """The logarithms of those numbers that are far from evenly spread."""
    parts = []
    for field in fields:
        if field.kind is FieldKind.NUMBER:
            values = _numbers(field, inputs)
            middle = statistics.median(values) if values else 0.0
            if len(values) > 2 and _skewness(values) > SKEWED:
                name = f"logarithm of {field.name}"
                parts.append(RowPart((name,), "read_logarithm", (field.path, middle)))
    return tuple(parts)


def step_parts(fields: Sequence[InputField], inputs: Sequence[Any]) -> tuple[RowPart, ...]:
    """For each number whether it is above each of a few quantiles."""
    parts = []
    for field in fields:
        values = _numbers(field, inputs) if field.kind is FieldKind.NUMBER else []
        if len(set(values)) > 2:
            cuts = statistics.quantiles(values, n=MAX_STEPS, method="inclusive")
            edges = tuple(sorted({float(f"{cut:.4g}") for cut in cuts}))
            names = tuple(f"{field.name} above {edge:g}" for edge in edges)
            arguments = (field.path, statistics.median(values), edges)
            parts.append(RowPart(names, "compare_steps", arguments))
    return tuple(parts)


def shape_parts(fields: Sequence[InputField]) -> tuple[RowPart, ...]:
    """Measures of the text as a whole: length, capitals, digits, exclamation marks."""
    paths = tuple(field.path for field in fields if field.kind is FieldKind.TEXT)
    if not paths:
        return ()
    arguments = (paths, MEASURED_CHARACTERS)
    return (RowPart(program_code.MEASURES, "measure_text", arguments),)


def _titled(what: str, where: Sequence[Path], every: Sequence[Path]) -> str:
    if len(where) == len(every):
        return what
    return f"{what} of {' and '.join('.'.join(path) for path in where)}"


def _mean_length(inputs: Sequence[Any], paths: tuple[Path, ...]) -> float:
    return statistics.fmean(len(program_code.read_text(data, paths, 20_000)) for data in inputs)


def _numbers(field: InputField, inputs: Sequence[Any]) -> list[float]:
    found = (
        program_code.clean_number(program_code.read_value(data, field.path)) for data in inputs
    )
    return [value for value in found if value is not None]


def _median(field: InputField, inputs: Sequence[Any]) -> tuple[float, bool]:
    values = _numbers(field, inputs)
    middle = statistics.median(values) if values else 0.0
    return middle, len(values) < len(inputs)


def _skewness(values: Sequence[float]) -> float:
    """The third standardised moment; 0 where all values are one."""
    mean, deviation = statistics.fmean(values), statistics.pstdev(values)
    if deviation == 0:
        return 0.0
    return abs(statistics.fmean(((value - mean) / deviation) ** 3 for value in values))


def _written_without_spaces(inputs: Sequence[Any], paths: tuple[Path, ...]) -> bool:
    """Whether a twentieth of the letters or more are of scripts that part no words."""
    letters = spaceless = 0
    for data in inputs:
        for character in program_code.read_text(data, paths, 300):
            if character.isalpha():
                letters += 1
                # Thai to Lao, Myanmar, Khmer, kana, Han, and the planes of rarer Han
                spaceless += (
                    "\u0e00" <= character <= "\u0eff"
                    or "\u1000" <= character <= "\u109f"
                    or "\u1780" <= character <= "\u17ff"
                    or "\u3040" <= character <= "\u9fff"
                    or character >= "\U00020000"
                )
    return spaceless * 20 >= letters > 0

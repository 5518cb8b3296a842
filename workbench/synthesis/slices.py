"""Where a program is surely weaker than elsewhere: slices of the judged examples, in words.

Pure. Many slices are looked at, so what is named has passed a correction for that.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.models import TaskSpecification
from workbench.synthesis.kinds import (
    MISSING,
    FieldKind,
    InputField,
    OutputKind,
    class_label,
    input_fields,
    output_kind,
    value_at,
)

MIN_ROWS = 8
MAX_SHARE = 0.6
MAX_WORDS = 150
MAX_NAMED = 5
# Benjamini-Hochberg: of what is named, at most this share is expected to be chance.
FALSE_DISCOVERIES = 0.1
CHANCE_ALONE = 0.05
WORD = re.compile(r"\w+", re.UNICODE)
Rows = frozenset[int]


@dataclass(frozen=True, slots=True)
class Weak:
    """A slice where answers are wrong more often than in the rest; `chance` is adjusted."""

    name: str
    rows: Rows
    wrong: int
    chance: float


def weak_slices(
    task: TaskSpecification, inputs: Sequence[Any], expected: Sequence[Any], right: Sequence[bool]
) -> tuple[list[Weak], int]:
    """The weak slices, the worst first, and how many slices were looked at.

    A slice holds 8 rows or more and at most 60 % of all. Fisher's exact test asks of each
    whether its wrong answers are more than its share; one that is weak only where it overlaps
    with a weaker one is not named.
    """
    every, wrong = len(right), [row for row, is_right in enumerate(right) if not is_right]
    slices = {
        rows: name
        for name, rows in _slices(task, inputs, expected)
        if MIN_ROWS <= len(rows) <= MAX_SHARE * every
    }
    if not wrong or not slices:
        return [], len(slices)
    missed = frozenset(wrong)
    tested = []
    for rows, name in slices.items():
        tested.append(Weak(name, rows, len(rows & missed), _chance(rows, missed, every)))
    tested.sort(key=lambda weak: (weak.chance, weak.name))
    passed: list[Weak] = []
    for rank, weak in enumerate(tested, start=1):
        if weak.chance <= FALSE_DISCOVERIES * rank / len(tested):
            passed = tested[:rank]
    named: list[Weak] = []
    left = frozenset(range(every))
    for rank, weak in enumerate(passed, start=1):
        # What is weak only for the rows it shares with a slice named already says nothing new.
        if not named or _chance(weak.rows & left, missed & left, len(left)) <= CHANCE_ALONE:
            adjusted = min(1.0, weak.chance * len(tested) / rank)
            named.append(Weak(weak.name, weak.rows, weak.wrong, adjusted))
            left -= weak.rows
    return named[:MAX_NAMED], len(tested)


def _chance(rows: Rows, missed: Rows, every: int) -> float:
    """Fisher's exact test, one-sided: so many wrong in `rows`, were they wrong as elsewhere."""
    # Read late: it takes longer to load than all the rest of the command.
    from scipy.stats import hypergeom

    return float(hypergeom.sf(len(rows & missed) - 1, every, len(missed), len(rows)))


def _slices(
    task: TaskSpecification, inputs: Sequence[Any], expected: Sequence[Any]
) -> Iterator[tuple[str, Rows]]:
    if output_kind(task.output_schema, expected) is OutputKind.CLASS:
        labels = [class_label(value) for value in expected]
        for label in sorted(set(labels)):
            yield f"expected output {label}", _equal(labels, label)
    for field in input_fields(task, task.examples):
        values = [value_at(data, field.path) for data in inputs]
        absent = [value is MISSING or value is None for value in values]
        if any(absent) and not all(absent):
            yield f"{field.name} is missing", _where(absent, bool)
        if field.kind is FieldKind.NUMBER:
            yield from _number_slices(field, values)
        elif field.kind in (FieldKind.CATEGORY, FieldKind.BOOLEAN):
            texts = [class_label(value) if value is not MISSING else "" for value in values]
            for text in sorted(set(texts) - {""}):
                yield f"{field.name} is {text}", _equal(texts, text)
        else:
            yield from _text_slices(field, [v if isinstance(v, str) else "" for v in values])


def _number_slices(field: InputField, values: Sequence[Any]) -> Iterator[tuple[str, Rows]]:
    numbers = {
        row: float(value)
        for row, value in enumerate(values)
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if len(set(numbers.values())) < 4:
        return
    low, middle, high = statistics.quantiles(numbers.values(), n=4, method="inclusive")
    for edge in (low, middle):
        name = f"{field.name} up to {edge:g}"
        yield name, frozenset(row for row, value in numbers.items() if value <= edge)
    for edge in (middle, high):
        name = f"{field.name} above {edge:g}"
        yield name, frozenset(row for row, value in numbers.items() if value > edge)


def _text_slices(field: InputField, texts: Sequence[str]) -> Iterator[tuple[str, Rows]]:
    lengths = [len(text) for text in texts]
    if len(set(lengths)) >= 4:
        low, _, high = statistics.quantiles(lengths, n=4, method="inclusive")
        name = f"{field.name} of at most {low:.0f} characters"
        yield name, _where(lengths, lambda own: own <= low)
        yield (
            f"{field.name} of more than {high:.0f} characters",
            _where(lengths, lambda own: own > high),
        )
    shapes: Mapping[str, Callable[[str], bool]] = {
        "with a digit": lambda text: any(letter.isdigit() for letter in text),
        "without a digit": lambda text: not any(letter.isdigit() for letter in text),
        "with letters beyond ASCII": lambda text: not text.isascii(),
        "in capitals": lambda text: text.isupper(),
        "of several lines": lambda text: "\n" in text,
    }
    for words, holds in shapes.items():
        yield f"{field.name} {words}", _where(texts, holds)
    found = [frozenset(WORD.findall(text.casefold())) for text in texts]
    counts = Counter(word for words in found for word in words)
    common = sorted(counts, key=lambda word: (-counts[word], word))[:MAX_WORDS]
    for word in common:
        rows = frozenset(row for row, words in enumerate(found) if word in words)
        yield f"{field.name} with the word {word!r}", rows


def _where(values: Sequence[Any], holds: Callable[[Any], bool]) -> Rows:
    return frozenset(row for row, value in enumerate(values) if holds(value))


def _equal(values: Sequence[str], wanted: str) -> Rows:
    return frozenset(row for row, value in enumerate(values) if value == wanted)

"""Tests on an input that a person would write to tell kinds of input apart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.clues import separators
from workbench.synthesis.by_example.code import X, constant, quote, regex
from workbench.synthesis.by_example.program import Condition, Row
from workbench.synthesis.kinds import FieldKind, InputField

_words = re.compile(r"[^\W\d_]+")
_runs = re.compile(r"\d+|[^\W\d_]+|\s+|[\W_]")
MAX_WORDS = 40
MAX_ENDINGS = 40
ONE_OFF_COST = 1.5  # bits more for naming a whole text where no two are the same
VOWELS = constant("VOWELS", '("a", "e", "i", "o", "u")')


def propose_conditions(rows: Sequence[Row], fields: Sequence[InputField]) -> list[Condition]:
    """Conditions that hold for some of the rows and not for others, cheapest first.

    Of conditions that hold for the same rows, the cheapest two are kept.
    """
    by_truth: dict[tuple[bool, ...], list[Condition]] = {}
    for number, field in enumerate(fields):
        values = [row[number] for row in rows]
        for condition in _for_field(number, field, values):
            truth = tuple(condition.holds(row) for row in rows)
            if any(truth) and not all(truth):
                by_truth.setdefault(truth, []).append(condition)
    kept = [
        condition
        for same in by_truth.values()
        for condition in sorted(same, key=lambda one: (one.cost, one.code))[:2]
    ]
    return sorted(kept, key=lambda one: (one.cost, one.code))


def _for_field(number: int, field: InputField, values: Sequence[object]) -> Iterator[Condition]:
    present = [value for value in values if value is not None]
    if field.kind is FieldKind.BOOLEAN:
        yield Condition(X, number, 1.0)
        yield Condition(f"not {X}", number, 1.2)
    elif field.kind is FieldKind.NUMBER:
        numbers = [
            float(value)
            for value in present
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        yield from _for_numbers(number, numbers, optional=field.optional)
    else:
        texts = [value for value in present if isinstance(value, str)]
        if texts:
            yield from _for_texts(number, field, texts)


def _for_numbers(number: int, values: Sequence[float], *, optional: bool) -> Iterator[Condition]:
    ordered = sorted(set(values))
    known = f"{X} is not None and " if optional else ""
    for low, high in list(itertools.pairwise(ordered))[:40]:
        threshold = round_between(low, high)
        yield Condition(f"{known}{X} < {threshold}", number, 3.0 + 0.2 * len(threshold))
        yield Condition(f"{known}{X} >= {threshold}", number, 3.0 + 0.2 * len(threshold))
    if len(ordered) <= 12:
        for value in ordered:
            yield Condition(f"{X} == {value:g}", number, 2.8 if value in (0, 1) else 4.0)
    yield Condition(f"{X} is None", number, 2.5)


def round_between(low: float, high: float) -> str:
    """The roundest number above `low` and at most `high`, as Python."""
    middle = (low + high) / 2
    for places in range(-12, 13):
        step = 10.0**-places
        for unit in (5 * step, step):
            near = [(middle // unit + shift) * unit for shift in (0, 1, -1)]
            inside = [value for value in near if low < value <= high]
            if inside:
                best = min(inside, key=lambda value: (abs(value - middle), value))
                rounded = round(best, max(places, 0) + 1)
                return str(int(rounded)) if rounded == int(rounded) else repr(rounded)
    return repr(high)


def _for_texts(number: int, field: InputField, texts: Sequence[str]) -> Iterator[Condition]:
    distinct = list(dict.fromkeys(texts))
    one_off = field.kind is not FieldKind.CATEGORY and len(distinct) == len(texts)
    if field.kind is FieldKind.CATEGORY or (len(distinct) <= 6 and max(map(len, distinct)) <= 20):
        for value in distinct:
            cost = 3.0 + 0.2 * len(value) + (ONE_OFF_COST if one_off else 0.0)
            yield Condition(f"{X} == {quote(value)}", number, cost)
    yield Condition(f"not {X}", number, 2.0)
    for test in ("isdigit", "isalpha", "isupper", "islower"):
        yield Condition(f"{X}.{test}()", number, 3.0)
        yield Condition(f"{X}[:1].{test}()", number, 3.4)
        yield Condition(f"{X}[-1:].{test}()", number, 3.6)
    yield Condition(f"any(mark.isdigit() for mark in {X})", number, 3.6)
    yield Condition(f"any(mark.isalpha() for mark in {X})", number, 3.8)
    marks = separators(texts)
    for mark in marks:
        literal = quote(mark)
        yield Condition(f"{literal} in {X}", number, 2.6 + 0.1 * len(mark))
        yield Condition(f"{X}.startswith({literal})", number, 3.0 + 0.1 * len(mark))
        yield Condition(f"{X}.endswith({literal})", number, 3.2 + 0.1 * len(mark))
        for count in sorted({text.count(mark) for text in texts})[1:4]:
            if count > 1:
                yield Condition(f"{X}.count({literal}) == {count}", number, 4.2)
                yield Condition(f"{X}.count({literal}) >= {count}", number, 4.2)
    for count in sorted({len(text.split()) for text in texts})[:6]:
        yield Condition(f"len({X}.split()) == {count}", number, 3.6)
        yield Condition(f"len({X}.split()) > {count}", number, 3.8)
    for length in sorted({len(text) for text in texts})[:8]:
        yield Condition(f"len({X}) == {length}", number, 4.4)
        yield Condition(f"len({X}) > {length}", number, 4.8)
    words: dict[str, int] = {}
    for text in texts:
        for word in dict.fromkeys(_words.findall(text)):
            words[word] = words.get(word, 0) + 1
    for word in sorted(words, key=lambda one: -words[one])[:MAX_WORDS]:
        cost = 0.2 * len(word) + (ONE_OFF_COST if one_off and word in distinct else 0.0)
        yield Condition(f"{quote(word)} in {X}", number, 3.4 + cost)
        yield Condition(f"{X}.startswith({quote(word)})", number, 3.6 + cost)
    yield from _for_edges(number, distinct)
    for shape, cost in shapes_of(distinct[:40]):
        yield Condition(f"{regex('SHAPE', shape)}.fullmatch({X})", number, cost)


def _for_edges(number: int, texts: Sequence[str]) -> Iterator[Condition]:
    """What the first word is, which letters the text ends with, whether it begins with a vowel."""
    yield Condition(f"{X}[:1].lower() in {VOWELS}", number, 3.6)
    firsts = dict.fromkeys(text.split()[0] for text in texts if len(text.split()) > 1)
    for word in list(firsts)[:MAX_WORDS]:
        yield Condition(f"{X}.split()[:1] == [{quote(word)}]", number, 3.8 + 0.2 * len(word))
    endings = dict.fromkeys(
        text[-width:] for width in (1, 2) for text in texts if text[-width:].isalpha()
    )
    for ending in list(endings)[:MAX_ENDINGS]:
        yield Condition(f"{X}.endswith({quote(ending)})", number, 3.95 + 0.3 * len(ending))


def shapes_of(texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Regular expressions of the shapes of these texts, general and exact, with bits."""
    seen: dict[str, float] = {}
    for text in texts:
        runs = _runs.findall(text)
        if len(runs) > 12:
            continue
        for exact in (False, True):
            shape = "".join(_run_shape(run, exact=exact) for run in runs)
            seen.setdefault(shape, 3.5 + 0.3 * len(runs) + (0.6 if exact else 0.0))
    yield from seen.items()


def _run_shape(run: str, *, exact: bool) -> str:
    if run.isspace():
        return r"\s+"
    if not run.isalnum():
        return re.sub(r"[\\.^$*+?{}\[\]|()]", r"\\\g<0>", run)
    letter = r"\d" if run.isdigit() else "[A-Za-z]" if run.isascii() else r"[^\W\d_]"
    return f"{letter}{{{len(run)}}}" if exact else f"{letter}+"

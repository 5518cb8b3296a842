"""The conditions worth trying on one text field: terms, patterns, characters, shapes, measures."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.synthesis.kinds import Path
from workbench.synthesis.rule.conditions import (
    Compares,
    HasTerms,
    Matches,
    Reading,
    TextMeasure,
    compiled,
)
from workbench.synthesis.rule.table import Column
from workbench.synthesis.rule.text import (
    FIRST_MARK,
    MEASURES,
    PATTERNS,
    PREFIX_MARK,
    SUFFIX_MARK,
    is_prefix,
    is_suffix,
    phrases,
)
from workbench.synthesis.rule.thresholds import cut_points

Rows = NDArray[np.int32]

FEW_INPUTS = 300  # up to here a word seen once is a feature: small sets repeat little
SHORT_WORDS = 60  # words a text on average, up to which affixes and long phrases are tried
MAX_TERMS = 60_000
SHAPED_LENGTH = 40
PREFIX_LENGTHS = range(4, 7)
SUFFIX_LENGTHS = range(2, 4)
RUN = re.compile(
    r"(?P<upper>[A-Z]+)|(?P<lower>[a-z]+)|(?P<digit>[0-9]+)|(?P<space>\s+)|(?P<sign>.)", re.DOTALL
)
RUN_CLASSES = {"upper": "[A-Z]", "lower": "[a-z]", "digit": "[0-9]", "space": r"\s"}


def text_columns(readings: Sequence[Reading], path: Path) -> Iterator[Column]:
    """A column for each condition worth trying on the texts at `path`."""
    texts = [reading.text(path) for reading in readings]
    words = [reading.words(path) for reading in readings]
    yield from _term_columns(words, path)
    for name, pattern in PATTERNS.items():
        yield Column(Matches(path, pattern, name), _rows_matching(pattern, texts))
    yield from _character_columns(texts, path)
    yield from _shape_columns(texts, path)
    for name, measure in MEASURES.items():
        values = np.array([measure.of(text) for text in texts], dtype=np.float64)
        for cut in cut_points(values):
            rows = np.flatnonzero(values > cut).astype(np.int32)
            yield Column(Compares(TextMeasure(path, name), ">", cut), rows)


def _term_columns(words: Sequence[list[str]], path: Path) -> Iterator[Column]:
    counted = max(1, sum(map(len, words)))
    short = counted <= SHORT_WORDS * len(words)
    few = len(words) <= FEW_INPUTS
    rows = _index(set(text) for text in words)
    vocabulary = sorted(rows)
    kept = {word: rows[word] for word in vocabulary if few or len(rows[word]) >= 2}
    least = 2 if few else 3
    for length in (2, 3) if short else (2,):
        found = _index(set(phrases(text, length)) for text in words)
        kept |= {phrase: found[phrase] for phrase in found if len(found[phrase]) >= least}
    if short:
        kept |= _affix_rows(rows, least)
        firsts = _index({FIRST_MARK + text[0]} if text else set() for text in words)
        kept |= {first: found for first, found in firsts.items() if len(found) >= least}
    ranked = sorted(kept, key=lambda term: (-len(kept[term]), term))[:MAX_TERMS]
    for term in sorted(ranked):
        rows_of = np.array(kept[term], dtype=np.int32)
        rich = is_prefix(term) or is_suffix(term)
        yield Column(HasTerms(path, (term,)), rows_of, ("term", path), rich=rich)


def _affix_rows(rows: dict[str, list[int]], least: int) -> dict[str, list[int]]:
    """Word starts and ends shared by two words or more, with the rows of all those words."""
    sharing: defaultdict[str, list[str]] = defaultdict(list)
    for word in sorted(rows):
        for length in PREFIX_LENGTHS:
            if len(word) >= length:
                sharing[word[:length] + PREFIX_MARK].append(word)
        for length in SUFFIX_LENGTHS:
            if len(word) >= length:
                sharing[SUFFIX_MARK + word[-length:]].append(word)
    found: dict[str, list[int]] = {}
    for affix, sharers in sharing.items():
        if len(sharers) >= 2:
            together = sorted(set().union(*(rows[word] for word in sharers)))
            if len(together) >= least:
                found[affix] = together
    # Of affixes one inside the other that hold for the same texts, the longest says most.
    said = {
        shorter
        for affix in found
        for shorter in _inner_affixes(affix)
        if len(found.get(shorter, ())) == len(found[affix])
    }
    return {affix: together for affix, together in found.items() if affix not in said}


def _inner_affixes(affix: str) -> list[str]:
    """The shorter affixes that every word with this one has too."""
    part = affix.strip(PREFIX_MARK)
    if is_prefix(affix):
        return [part[:length] + PREFIX_MARK for length in range(1, len(part))]
    return [SUFFIX_MARK + part[-length:] for length in range(1, len(part))]


def _character_columns(texts: Sequence[str], path: Path) -> Iterator[Column]:
    """Letters and signs beyond plain ASCII, and ASCII punctuation."""
    rows = _index(
        {sign for sign in set(text.lower()) if not (sign.isascii() and sign.isalnum())}
        for text in texts
    )
    for sign, found in sorted(rows.items()):
        if len(found) >= 2 and not sign.isspace() and sign.isprintable():
            upper = sign.upper()
            both = len(upper) == 1 and upper != sign
            pattern = f"[{sign}{upper}]" if both else re.escape(sign)
            name = unicodedata.name(sign, "sign").lower().removeprefix("latin small letter ")
            rows_of = _rows_matching(pattern, texts)
            yield Column(Matches(path, pattern, name), rows_of, ("character", path))


def _shape_columns(texts: Sequence[str], path: Path) -> Iterator[Column]:
    """Whole texts of one form, such as three letters, a dash, four digits."""
    short = [text if len(text) <= SHAPED_LENGTH else "" for text in texts]
    rows = _index({exact_shape(text), loose_shape(text)} if text else set() for text in short)
    for shape, found in sorted(rows.items()):
        if len(found) >= 3:
            rows_of = _rows_matching(shape, texts)
            yield Column(Matches(path, shape, "form"), rows_of, ("form", path))


def exact_shape(text: str) -> str:
    """A pattern for texts with the same kinds of characters in runs of the same lengths."""
    return r"\A" + "".join(_runs(text, exact=True)) + r"\Z"


def loose_shape(text: str) -> str:
    """A pattern for texts with the same kinds of characters in runs of any lengths."""
    return r"\A" + "".join(_runs(text, exact=False)) + r"\Z"


def _runs(text: str, *, exact: bool) -> Iterator[str]:
    for run in RUN.finditer(text):
        kind, length = run.lastgroup or "sign", len(run[0])
        if kind == "sign":
            yield re.escape(run[0])
        elif exact:
            yield RUN_CLASSES[kind] + (f"{{{length}}}" if length > 1 else "")
        else:
            yield RUN_CLASSES[kind] + "+"


def _rows_matching(pattern: str, texts: Sequence[str]) -> Rows:
    search = compiled(pattern).search
    return np.array([row for row, text in enumerate(texts) if search(text)], dtype=np.int32)


def _index(sets: Iterator[set[str]]) -> dict[str, list[int]]:
    """For each member, the ascending numbers of the sets that hold it."""
    found: dict[str, list[int]] = {}
    for row, members in enumerate(sets):
        for member in sorted(members):
            found.setdefault(member, []).append(row)
    return found

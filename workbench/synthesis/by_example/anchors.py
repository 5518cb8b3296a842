"""Steps that cut a text before or after a mark, at a place, or free it of a prefix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.clues import Clues, common_prefix, separators
from workbench.synthesis.by_example.code import X, quote
from workbench.synthesis.by_example.expression import Kind, Operation, operation

TEXT = Kind.TEXT
WORD_ANCHOR = re.compile(r"[^\W\d_]+(?:[\W_]+|$)")
PREFIX = re.compile(r"[^\W\d_]{1,5}[\W_]+|[^\W\d_]{1,5}(?=\d)|[\W_]+|[^\W\d_]{1,6}$")
SUFFIX = re.compile(r"[\W_]+[^\W_]{1,5}[\W_]*$|[^\W\d_]{1,4}$|[\W_]+$")
# After these the last part is what people mean; after others, all that follows the first.
LAST_MARKS = frozenset("./\\ ")
MAX_WORD_ANCHORS = 6


def cut_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Before or after the first or last of a mark or of a word that all texts share."""
    anchors = [(mark, 0.0) for mark in separators(values)]
    anchors += [(word, 1.0 + 0.15 * len(word)) for word in shared_words(values)]
    for mark, extra in anchors:
        literal = quote(mark)
        if extra:
            # What every text says is no surprise, and what follows it is meant sooner than
            # what happens to be so many words from an end.
            following = f"{X}.split({literal}, 1)[1].split()[0]"
            yield operation(following, TEXT, TEXT, 5.0, "word")
        single = extra + (0.0 if len(mark) == 1 or mark.strip() == mark else 0.3)
        first, last = (3.4, 3.0) if mark[:1] in LAST_MARKS else (3.0, 3.4)
        if first < last and all(text.count(mark) == 1 for text in values):
            first -= 0.4  # all that follows, should there be another one day
        yield operation(f"{X}.split({literal}, 1)[0]", TEXT, TEXT, 3.0 + single, "head")
        yield operation(f"{X}.split({literal}, 1)[1]", TEXT, TEXT, first + single, "rest")
        yield operation(f"{X}.rsplit({literal}, 1)[0]", TEXT, TEXT, 3.4 + single, "head")
        yield operation(f"{X}.rsplit({literal}, 1)[1]", TEXT, TEXT, last + single, "tail")
        yield operation(f"{X}.rsplit({literal}, 1)[-1]", TEXT, TEXT, last + 0.4 + single, "tail")
        yield operation(f"{X}.split({literal}, 1)[-1]", TEXT, TEXT, first + 0.4 + single, "rest")
        if any(text.count(mark) > 1 for text in values):
            second = f"{X}.split({literal}, 2)[2]"
            yield operation(second, TEXT, TEXT, first + 1.0 + single, "rest")
        if len(mark) == 1:
            found = f"{X}[: {X}.rindex({literal}) + 1]"
            yield operation(found, TEXT, TEXT, 4.5, "head")
            found = f"{X}[{X}.index({literal}) :]"
            yield operation(found, TEXT, TEXT, 5.0, "rest")


def shared_words(values: Sequence[str]) -> list[str]:
    """Words, with the marks that follow them, that occur in every text."""
    if not values:
        return []
    found: dict[str, None] = {}
    for word in WORD_ANCHOR.findall(min(values, key=len)):
        if len(word) <= 16 and all(word in text for text in values):
            found.setdefault(word)
    return list(found)[:MAX_WORD_ANCHORS]


def slice_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """The first or last few characters, or all but those."""
    longest = max(len(text) for text in values)
    same = len({len(text) for text in values}) == 1
    ease = 0.0 if same else 0.6
    if not same and all(text.isdigit() for text in values):
        ease = 1.8  # numbers are not cut by place
    for width in range(1, min(longest, 9)):
        cost = (1.6 if width == 1 else 2.6 + 0.25 * width) + ease
        hint = "initial" if width == 1 else "head"
        yield operation(f"{X}[:{width}]", TEXT, TEXT, cost, hint)
        yield operation(f"{X}[-{width}:]", TEXT, TEXT, cost + 0.4, "tail")
        yield operation(f"{X}[{width}:]", TEXT, TEXT, cost + 0.6, "rest")
        yield operation(f"{X}[:-{width}]", TEXT, TEXT, cost + 0.6 + 0.25 * width, "head")
    for width in _shared_beginning(values, clues):
        yield operation(f"{X}[:{width}]", TEXT, TEXT, 3.6 + 0.1 * width, "head")
    if longest <= 24:
        for start in range(1, min(longest, 16)):
            for width in range(1, min(longest - start, 7) + 1):
                cost = 4.2 + 0.15 * (start + width) + ease
                part = f"{X}[{start}]" if width == 1 else f"{X}[{start}:{start + width}]"
                yield operation(part, TEXT, TEXT, cost, "part")
                if not same and start + width < longest:
                    back = f"{X}[-{start + width}:-{start}]"
                    yield operation(back, TEXT, TEXT, cost + 0.4, "part")


def _shared_beginning(values: Sequence[str], clues: Clues) -> list[int]:
    """How many characters every output begins like its text, where that is many."""
    if len(values) != len(clues.present):
        return []
    widths = {
        len(common_prefix((text, output)))
        for text, output in zip(values, clues.present, strict=True)
    }
    return [min(widths)] if min(widths) >= 9 else []


def affix_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Leaves off a beginning or an end that some of the texts have."""
    prefixes: dict[str, None] = {}
    suffixes: dict[str, None] = {}
    for text in values:
        if found := PREFIX.match(text):
            prefixes.setdefault(found[0])
        if found := SUFFIX.search(text):
            suffixes.setdefault(found[0])
    for prefix in list(prefixes)[:6]:
        if any(len(text) > len(prefix) for text in values):
            cost = 3.6 + 0.4 * len(prefix)
            yield operation(f"{X}.removeprefix({quote(prefix)})", TEXT, TEXT, cost, "rest")
    for suffix in list(suffixes)[:6]:
        if any(len(text) > len(suffix) for text in values):
            cost = 3.8 + 0.4 * len(suffix)
            yield operation(f"{X}.removesuffix({quote(suffix)})", TEXT, TEXT, cost, "head")

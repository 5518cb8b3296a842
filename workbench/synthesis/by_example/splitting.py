"""Steps that take a text apart into a list of texts, and steps on such lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.clues import Clues, separators
from workbench.synthesis.by_example.code import X, constant, quote, regex
from workbench.synthesis.by_example.expression import Kind, Operation, operation

TEXT, WORDS, NUMBER = Kind.TEXT, Kind.WORDS, Kind.NUMBER

# name, pattern, word for the result, bits
TOKENS = (
    ("NUMBER", r"\d+", "numbers", 2.5),
    ("WORD", r"[^\W\d_]+", "words", 2.8),
    ("ALPHANUMERIC", r"[^\W_]+", "tokens", 2.7),
    ("CAPITALS", r"[A-ZÀ-ÖØ-Þ]+", "capitals", 3.0),
    ("CAPITAL", r"[A-ZÀ-ÖØ-Þ]", "capitals", 3.2),
    ("SMALL_LETTERS", r"[a-zß-öø-ÿ]+", "letters", 3.5),
    ("CAPITALISED", r"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]+", "names", 3.2),
    ("DECIMAL", r"\d+(?:\.\d+)?", "numbers", 3.0),
    ("AMOUNT", r"\d[\d,]*(?:\.\d+)?", "amounts", 3.2),
    ("COMMA_AMOUNT", r"\d[\d.]*(?:,\d+)?", "amounts", 3.6),
    ("SIGNED_NUMBER", r"[-+]?\d+(?:\.\d+)?", "numbers", 3.4),
    ("NAME_PART", r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", "parts", 3.4),
    ("LETTERS_OR_DIGITS", r"[^\W\d_]+|\d+", "parts", 3.4),
    ("HYPHENATED", r"[^\W_]+(?:-[^\W_]+)+", "codes", 3.6),
    ("DOTTED", r"\d+(?:\.\d+)+", "versions", 3.2),
    ("IDENTIFIER", r"\w+", "words", 2.8),
    ("QUOTED", r'"([^"]*)"', "quoted", 2.8),
    ("SINGLE_QUOTED", r"'([^']*)'", "quoted", 3.0),
    ("IN_PARENTHESES", r"\(([^()]*)\)", "groups", 2.8),
    ("IN_BRACKETS", r"\[([^\[\]]*)\]", "groups", 2.8),
    ("IN_BRACES", r"\{([^{}]*)\}", "groups", 3.0),
    ("IN_ANGLES", r"<([^<>]*)>", "groups", 3.0),
    ("HASHTAG", r"#(\w+)", "tags", 3.0),
    ("MENTION", r"@(\w+)", "names", 3.2),
    ("EMAIL", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "addresses", 3.0),
    ("URL", r"https?://[^\s\"'<>)]+", "links", 3.0),
    ("IP_ADDRESS", r"\d{1,3}(?:\.\d{1,3}){3}", "addresses", 3.0),
    ("DATE", r"\d{4}-\d{2}-\d{2}", "dates", 3.2),
    ("TIME", r"\d{1,2}:\d{2}(?::\d{2})?", "times", 3.2),
    ("CHARACTER", r"\w", "letters", 4.5),
)
ITEMS = ((0, 1.0), (-1, 1.0), (1, 1.6), (-2, 3.6), (2, 2.2), (3, 3.0), (-3, 3.2), (4, 3.8),
         (-4, 4.5), (5, 4.6), (6, 5.4), (7, 6.0))  # fmt: skip
ITEM_NAMES = {0: "first", 1: "second", 2: "third", 3: "fourth", -1: "last", -2: "before_last"}
SLICES = (("[1:]", 3.0), ("[:-1]", 3.0), ("[::-1]", 2.5), ("[:2]", 3.0), ("[-2:]", 3.0),
          ("[2:]", 3.2), ("[1:-1]", 3.2), ("[:-2]", 3.6), ("[:3]", 3.6), ("[3:]", 4.0),
          ("[-3:]", 4.2))  # fmt: skip
SMALL_WORDS = constant(
    "SMALL_WORDS",
    '("a", "an", "and", "as", "at", "by", "for", "in", "of", "on", "or", "the", "to")',
)
MAPS = (
    ("{w}.capitalize()", 2.5),
    ("{w}[0]", 2.5),
    ("{w}[0].upper()", 3.2),
    ("{w}.lower()", 3.0),
    ("{w}.upper()", 3.0),
    ("{w}.strip()", 2.0),
    ("{w}.title()", 3.2),
    ("{w}[:1].upper() + {w}[1:]", 3.6),
    ("{w}[1:]", 3.6),
    ("{w}[:-1]", 4.0),
    ("{w}[-1]", 4.0),
    ("{w}[:2]", 4.0),
    ("{w}[:3]", 4.2),
    ("{w}[::-1]", 4.5),
    ('{w}.lstrip("0")', 5.0),
    ("str(int({w}))", 4.2),
    ("str(len({w}))", 5.5),
)
FILTERS = (
    ("{w}[:1].isupper()", 3.5),
    ("{w}.isdigit()", 3.5),
    ("{w}.isalpha()", 3.8),
    ("{w}.strip()", 3.5),
    ("len({w}) > 1", 4.5),
    (f"{{w}}.lower() not in {SMALL_WORDS}", 5.0),
    ("not {w}.isdigit()", 4.5),
    ("any(mark.isdigit() for mark in {w})", 4.5),
    ("{w}.isupper()", 4.5),
)


def split_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Ways of taking these texts apart that do something to at least one of them."""
    if any(mark.isspace() for text in values for mark in text):
        yield operation(f"{X}.split()", TEXT, WORDS, 2.0, "words")
    if any("\n" in text for text in values):
        yield operation(f"{X}.splitlines()", TEXT, WORDS, 2.2, "lines")
    for mark in separators(values):
        if mark == "\n":
            continue
        cost = 2.4 if len(mark) == 1 or mark in (", ", "; ", ": ", " - ", "://") else 3.0
        counts = {text.count(mark) for text in values}
        if len(counts) == 1 and len(values) > 1 and mark.strip():
            cost -= 0.6  # a fixed number of parts: the mark is there to part them
        yield operation(f"{X}.split({quote(mark)})", TEXT, WORDS, cost, "parts")
    for name, pattern, hint, cost in TOKENS:
        found = [list(_compiled[pattern].finditer(text)) for text in values]
        if any(found):
            written = f"{regex(name, pattern)}.findall({X})"
            yield operation(written, TEXT, WORDS, cost, hint)
            if all(found) and all(
                not any(mark.isalnum() for mark in text[row[-1].end() :])
                for text, row in zip(values, found, strict=True)
            ):  # it ends them all, so it is the last one that is meant
                yield operation(f"{written}[-1]", TEXT, TEXT, cost + 0.8, "last")
    widest = max(len(text) for text in values)
    if 6 <= widest <= 40 and all(text.isalnum() for text in values):
        for width in (2, 3, 4, 5):
            pieces = regex("GROUP", f".{{1,{width}}}")
            yield operation(f"{pieces}.findall({X})", TEXT, WORDS, 5.0, "groups")


_compiled = {pattern: re.compile(pattern) for _, pattern, _, _ in TOKENS}


def list_operations(
    values: Sequence[tuple[str, ...]], clues: Clues, depth: int
) -> Iterator[Operation]:
    """Items, slices, joins, and the same step on every item."""
    longest = max(len(row) for row in values)
    for index, cost in ITEMS:
        if longest > (index if index >= 0 else -index - 1):
            hint = ITEM_NAMES.get(index, "part")
            yield operation(f"{X}[{index}]", WORDS, TEXT, cost, hint)
    for mark in clues.joiners:
        yield operation(f"{quote(mark)}.join({X})", WORDS, TEXT, 1.5 + 0.3 * len(mark), "joined")
    if depth > 3:
        return
    for part, cost in SLICES:
        yield operation(f"{X}{part}", WORDS, WORDS, cost, "parts")
    if longest > 1:
        yield operation(f"sorted({X})", WORDS, WORDS, 4.0, "ordered")
        yield operation(f"list(dict.fromkeys({X}))", WORDS, WORDS, 4.5, "distinct")
        yield operation(
            f"[{X}[0].lower()] + [word.capitalize() for word in {X}[1:]]",
            WORDS,
            WORDS,
            5.0,
            "parts",
        )
    for step, cost in _maps(values, clues):
        written = step.replace("{w}", "word")
        yield operation(f"[{written} for word in {X}]", WORDS, WORDS, cost, "parts")
    for test, cost in FILTERS:
        written = test.replace("{w}", "word")
        yield operation(f"[word for word in {X} if {written}]", WORDS, WORDS, cost, "kept")
    for mark in _leading_marks(values):
        yield operation(
            f"[word for word in {X} if word.startswith({quote(mark)})]", WORDS, WORDS, 4.5, "kept"
        )
        yield operation(
            f"[word for word in {X} if {quote(mark)} in word]", WORDS, WORDS, 5.0, "kept"
        )


def _maps(values: Sequence[tuple[str, ...]], clues: Clues) -> Iterator[tuple[str, float]]:
    yield from MAPS
    for mark in separators([text for row in values for text in row])[:8]:
        literal = quote(mark)
        yield f"{{w}}.split({literal})[0]", 4.5
        yield f"{{w}}.split({literal})[-1]", 4.5
        yield f"{{w}}.strip({literal})", 4.5
        yield f'{{w}}.replace({literal}, "")', 4.8


def _leading_marks(values: Sequence[tuple[str, ...]]) -> list[str]:
    found = {word[0]: None for row in values for word in row if word and not word[0].isalnum()}
    return list(found)[:5]

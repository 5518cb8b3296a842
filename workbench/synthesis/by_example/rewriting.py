"""Steps that rewrite a whole text: letter case, trimming, removing, replacing, padding."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.clues import Clues, separators
from workbench.synthesis.by_example.code import X, helper, quote, regex
from workbench.synthesis.by_example.expression import Kind, Operation, operation
from workbench.synthesis.by_example.snippets import UMLAUTS

TEXT = Kind.TEXT
SEPARATORS = regex("SEPARATORS", r"[\W_]+")


def case_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    if clues.has_lower and any(text != text.lower() for text in values):
        yield operation(f"{X}.lower()", TEXT, TEXT, 1.5, "lower")
    if not clues.has_upper:
        return
    if any(text != text.upper() for text in values):
        yield operation(f"{X}.upper()", TEXT, TEXT, 1.5, "upper")
    if not any(len(text) > 1 for text in values):
        return
    yield operation(f"{X}.capitalize()", TEXT, TEXT, 1.9, "capitalised")
    if any(" " in text or "-" in text or "'" in text for text in values):
        yield operation(f"{X}.title()", TEXT, TEXT, 1.8, "title")
        yield operation(f"string.capwords({X})", TEXT, TEXT, 2.6, "title")
        yield operation(f"{helper('title_case')}({X})", TEXT, TEXT, 4.5, "title")
    yield operation(f"{X}[:1].upper() + {X}[1:]", TEXT, TEXT, 3.0, "capitalised")
    yield operation(f"{X}.swapcase()", TEXT, TEXT, 5.0, "swapped")


def trim_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    if any(text != text.strip() for text in values):
        yield operation(f"{X}.strip()", TEXT, TEXT, 1.0, "trimmed")
    marks: dict[str, None] = {}
    for text in values:
        for mark in (text[:1], text[-1:]):
            if mark and not mark.isalnum() and not mark.isspace():
                marks.setdefault(mark)
    if marks:
        yield operation(f"{X}.strip(string.punctuation)", TEXT, TEXT, 3.0, "trimmed")
        yield operation(f"{X}.rstrip(string.punctuation)", TEXT, TEXT, 3.2, "trimmed")
    for mark in list(marks)[:5]:
        yield operation(f"{X}.strip({quote(mark)})", TEXT, TEXT, 2.6, "trimmed")
    if any(text[:1] == "0" for text in values):
        yield operation(f'{X}.lstrip("0")', TEXT, TEXT, 3.0, "trimmed")


def removal_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Keeps one class of characters, or takes out a mark or what stands between marks."""
    joined = "".join(values)
    digits = any(mark.isdigit() for mark in joined)
    letters = any(mark.isalpha() for mark in joined)
    marks = any(not mark.isalnum() for mark in joined)
    runs = max(len(re.findall(r"\d+", text)) for text in values)
    if digits and (letters or marks):
        yield _substitute("NOT_DIGIT", r"\D", "", 2.5 if runs > 1 else 3.6, "digits")
    if digits and letters:
        yield _substitute("DIGIT", r"\d", "", 4.0, "rest")
    if letters and (digits or marks):
        yield _substitute("NOT_LETTER", r"[\W\d_]", "", 3.5, "letters")
    if marks and (letters or digits):
        yield _substitute("NOT_ALPHANUMERIC", r"[\W_]", "", 2.8, "characters")
    if marks and letters:
        yield _substitute("PUNCTUATION", r"[^\w\s]", "", 3.2, "words")
    if letters and clues.has_upper and any(mark.islower() for mark in joined):
        yield _substitute("NOT_CAPITAL", r"[^A-ZÀ-ÖØ-Þ]", "", 4.0, "capitals")
    if digits and any(mark in joined for mark in ".,"):
        yield _substitute("NOT_NUMERIC", r"[^\d.]", "", 3.0 if runs > 1 else 4.2, "number")
        yield _substitute("NOT_NUMERIC", r"[^\d,]", "", 3.6, "number")
    if any(mark.isspace() for mark in joined):
        yield _substitute("SPACES", r"\s+", "", 3.0, "characters")
    for opening, closing in ("()", "[]", "<>", "{}"):
        if opening in joined and closing in joined:
            inside = rf"\{opening}[^{opening}\{closing}]*\{closing}"
            if opening in "<":
                inside = "<[^<>]*>"
            yield _substitute("BRACKETED", inside, "", 3.4, "rest")
            yield _substitute("BRACKETED", rf"\s*{inside}", "", 3.6, "rest")
    if not any(mark in "aeiouAEIOU" for mark in clues.characters) and letters:
        yield _substitute("VOWELS", r"[aeiouAEIOU]", "", 5.0, "consonants")
    if any(mark in "äöüÄÖÜß" for mark in joined):
        code = f'"".join({UMLAUTS}.get(mark, mark) for mark in {X})'
        yield operation(code, TEXT, TEXT, 3.2, "plain_text")
    if not joined.isascii():
        yield operation(f"{helper('strip_accents')}({X})", TEXT, TEXT, 3.0, "plain_text")


def _substitute(name: str, pattern: str, by: str, cost: float, hint: str) -> Operation:
    by = by.replace("\\", r"\\")
    return operation(f"{regex(name, pattern)}.sub({quote(by)}, {X})", TEXT, TEXT, cost, hint)


def replacement_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Puts one mark in place of another, or of every run of some class."""
    marks = [mark for mark in separators(values) if len(mark) <= 3][:8]
    wanted = [mark for mark in clues.separators if len(mark) <= 3][:5]
    for mark in marks:
        # The only mark there is, taken out, is taken out for its own sake.
        alone = all(other.isalnum() or other in mark for text in values for other in text)
        cost = (2.2 if alone else 2.6) + 0.8 * (len(mark) - 1)
        yield operation(f'{X}.replace({quote(mark)}, "")', TEXT, TEXT, cost, "text")
        for other in wanted:
            if other != mark:
                code = f"{X}.replace({quote(mark)}, {quote(other)})"
                cost = 3.0 + 0.3 * (len(mark) + len(other) - 2)
                yield operation(code, TEXT, TEXT, cost, "text")
    for other in wanted:
        if len(other) == 1 or other in (", ", " | "):
            yield _substitute("SPACES", r"\s+", other, 3.2, "text")
            yield _substitute("SEPARATORS", r"[\W_]+", other, 3.4, "text")
            literal = quote(other)
            by = quote(other.replace("\\", r"\\"))
            slug = f"{SEPARATORS}.sub({by}, {X}).strip({literal})"
            yield operation(slug, TEXT, TEXT, 3.8, "text")
            boundary = r"(?<=[a-z0-9])(?=[A-Z])"
            if any(re.search(boundary, text) for text in values):
                yield _substitute("HUMP", boundary, other, 4.0, "text")
    for cover in ("*", "#", "X", "x", "•"):
        if cover in clues.characters:
            yield _substitute("DIGIT", r"\d", cover, 4.0, "masked")
            yield _substitute("CHARACTER", r"\w", cover, 4.2, "masked")
            yield _substitute("LETTER", r"[^\W\d_]", cover, 4.6, "masked")
            yield operation(f"{quote(cover)} * len({X})", TEXT, TEXT, 4.4, "masked")


def shape_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Padding with zeros, turning around, digits of other scripts as 0 to 9."""
    if any(mark.isdecimal() and not mark.isascii() for text in values for mark in text):
        digits = f'"".join(str(unicodedata.decimal(mark, mark)) for mark in {X})'
        yield operation(digits, TEXT, TEXT, 1.2, "text")
    if all(text.isdigit() for text in values):
        shortest = min(len(text) for text in values)
        for width in clues.widths:
            if width > shortest:
                yield operation(f"{X}.zfill({width})", TEXT, TEXT, 2.6, "padded")
        longest = max(len(text) for text in values)
        if longest in clues.widths and longest > shortest:
            yield operation(f"{X}.zfill({longest})", TEXT, TEXT, 2.6, "padded")
    yield operation(f"{X}[::-1]", TEXT, TEXT, 4.5, "reversed_text")

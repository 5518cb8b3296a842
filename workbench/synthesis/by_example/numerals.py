"""Steps that read a number from a text and write numbers as texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.code import X, helper, quote, regex
from workbench.synthesis.by_example.expression import Kind, Operation, operation
from workbench.synthesis.by_example.snippets import MONTH_NUMBERS

TEXT, WORDS, NUMBER = Kind.TEXT, Kind.WORDS, Kind.NUMBER
DIGITS = regex("NUMBER", r"\d+")
DECIMAL = regex("DECIMAL", r"\d+(?:\.\d+)?")
AMOUNT = regex("AMOUNT", r"\d[\d,]*(?:\.\d+)?")
CLOCKS = (
    f'f"{{{X} // 60}}:{{{X} % 60:02d}}"',
    f'f"{{{X} // 60:02d}}:{{{X} % 60:02d}}"',
    f'f"{{{X} // 3600}}:{{{X} % 3600 // 60:02d}}:{{{X} % 60:02d}}"',
    f'f"{{{X} // 3600:02d}}:{{{X} % 3600 // 60:02d}}:{{{X} % 60:02d}}"',
)
_digits = re.compile(r"\d+")
_fraction = re.compile(r"\d\.\d")
_grouped_inside = re.compile(r"\d,\d{3}")
_whole = re.compile(r"[-+]?\d+\Z")
_decimal = re.compile(r"[-+]?\d*\.?\d+\Z")
_grouped = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?\Z")
_comma = re.compile(r"[-+]?\d{1,3}(?:\.\d{3})*,\d+\Z|[-+]?\d+,\d+\Z|\d{1,3}(?:\.\d{3})+\Z")
_roman = re.compile(r"[MDCLXVImdclxvi]+\Z")
_month = re.compile(r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\Z")


def read_number_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """The number that a text is, written with a point or a comma, or in another way."""
    texts = [text.strip() for text in values]
    if all(_whole.match(text) for text in texts):
        yield operation(f"int({X})", TEXT, NUMBER, 1.5, "number")
    elif all(_decimal.match(text) for text in texts):
        yield operation(f"float({X})", TEXT, NUMBER, 1.5, "number")
    elif all(_decimal.match(text) or _grouped.match(text) for text in texts):
        read = "float" if any("." in text for text in texts) else "int"
        yield operation(f'{read}({X}.replace(",", ""))', TEXT, NUMBER, 2.0, "number")
    if any(_comma.match(text) for text in texts) and all(
        _comma.match(text) or _whole.match(text) for text in texts
    ):
        code = f'float({X}.replace(".", "").replace(",", "."))'
        yield operation(code, TEXT, NUMBER, 2.5, "number")
    if all(_roman.match(text) for text in texts):
        yield operation(f"{helper('from_roman')}({X})", TEXT, NUMBER, 3.0, "number")
    if all(_month.match(text) for text in texts):
        yield operation(f"{MONTH_NUMBERS}[{X}[:3].lower()]", TEXT, NUMBER, 2.5, "month")
    if clues.has_digit:
        yield operation(f"len({X})", TEXT, NUMBER, 3.5, "length")
        if any(" " in text for text in texts):
            yield operation(f"len({X}.split())", TEXT, NUMBER, 3.8, "count")


def find_number_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """The first, second or last number within a text, for outputs that show other digits."""
    if not clues.has_digit:
        return
    counts = [len(_digits.findall(text)) for text in values]
    if not counts or not min(counts) or all(text.isdigit() for text in values):
        return
    whole = not any(_fraction.search(text) for text in values)
    for place in (0, 1, 2, -1):
        if min(counts) > (place if place >= 0 else 0):
            if whole:
                code = f"int({DIGITS}.findall({X})[{place}])"
            else:
                code = f"float({DECIMAL}.findall({X})[{place}])"
            yield operation(code, TEXT, NUMBER, 4.0 + 0.5 * abs(place), "number")
    if any(_grouped_inside.search(text) for text in values):
        code = f'float({AMOUNT}.findall({X})[0].replace(",", ""))'
        yield operation(code, TEXT, NUMBER, 5.0, "number")


def count_operations(clues: Clues) -> Iterator[Operation]:
    if clues.has_digit:
        yield operation(f"len({X})", WORDS, NUMBER, 2.5, "count")


def write_number_operations(values: Sequence[float], clues: Clues) -> Iterator[Operation]:
    """The number in digits as the outputs have them, or in another notation."""
    if len(clues.characters) == 1:
        yield _write(f"{quote(next(iter(clues.characters)))} * {X}", 3.0)
    if clues.has_digit:
        whole = all(isinstance(value, int) for value in values)
        if whole and ":" in clues.characters:
            for code in CLOCKS:
                yield _write(code, 4.0)
        yield _write(f"{helper('plain')}({X})" if not whole else f"str({X})", 1.6)
        if whole:
            for width in clues.widths:
                yield _write(f'f"{{{X}:0{width}d}}"', 2.2)
        for places in (0, 1, 2, 3, 4):
            if places == 0 or "." in clues.characters:
                yield _write(f'f"{{{X}:.{places}f}}"', 2.2 + (0.5 if places in (3, 4) else 0))
        if "," in clues.characters:
            yield _write(f'f"{{{X}:,}}"', 2.2)
            for places in (0, 1, 2):
                yield _write(f'f"{{{X}:,.{places}f}}"', 2.6)
                yield _write(f'f"{{{X}:.{places}f}}".replace(".", ",")', 3.4)
            swap = '.replace(",", "_").replace(".", ",").replace("_", ".")'
            yield _write(f'f"{{{X}:,.2f}}"{swap}', 3.8)
        for mark in (" ", ".", "'", "_"):
            if mark in clues.characters:
                yield _write(f'f"{{{X}:,}}".replace(",", "{mark}")', 3.8)
        if "%" in clues.characters:
            for places in (0, 1, 2):
                yield _write(f'f"{{{X}:.{places}%}}"', 2.0)
        if whole:
            yield _write(f"{helper('ordinal')}({X})", 3.0)
        if whole and clues.characters <= frozenset("01b \n"):
            yield _write(f'f"{{{X}:b}}"', 4.0)
            yield _write(f'f"{{{X}:08b}}"', 4.5)
    if all(isinstance(value, int) for value in values):
        letters = {mark for mark in clues.characters if mark.isalpha()}
        if letters and letters <= set("abcdefABCDEFx"):
            for form in ("x", "X", "02x", "02X"):
                yield _write(f'f"{{{X}:{form}}}"', 4.0)
        if any(mark in "IVXLCDM" for mark in letters):
            yield _write(f"{helper('to_roman')}({X})", 3.0)


def _write(code: str, cost: float) -> Operation:
    return operation(code, NUMBER, TEXT, cost, "written")

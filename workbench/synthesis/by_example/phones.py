"""Steps for telephone numbers: without extension, without country code, grouped anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.code import X, helper, quote
from workbench.synthesis.by_example.expression import Kind, Operation, operation
from workbench.synthesis.by_example.snippets import EXTENSION, EXTENSION_PATTERN

TEXT = Kind.TEXT
_extension = re.compile(EXTENSION_PATTERN)
_digits = re.compile(r"\D")
_calling_code = re.compile(
    r"\+?(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})[-. (]?\d"
)
_groups = re.compile(r"\d+|\D+")
MAX_CODES = 6


def phone_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Leaves off an extension; the national number under each country code in the outputs."""
    if max(len(text) for text in values) > 40:
        return
    enough = [sum(mark.isdigit() for mark in text) >= 7 for text in values]
    if not all(enough):
        return
    if any(_extension.search(text) for text in values):
        yield operation(f'{EXTENSION}.sub("", {X})', TEXT, TEXT, 2.5, "number")
    codes: dict[str, None] = {}
    for output in clues.present:
        if output.startswith("+") and (found := _calling_code.match(output)):
            codes.setdefault(found[1])
    for code in list(codes)[:MAX_CODES]:
        step = f"{helper('national_number')}({X}, {quote(code)})"
        yield operation(step, TEXT, TEXT, 3.5, "national")


def regroup_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Digits in the groups that the outputs have, counted from the back.

    Cheap where the outputs are of one form: whoever writes numbers in many ways and wants them
    in one means the digits, not their separators.
    """
    if not all(text.isdigit() and 4 <= len(text) <= 24 for text in values):
        return
    for piece in clues.pieces:
        parts = [_groups.findall(text) for text in piece if text is not None]
        if not parts or len(parts[0]) < 3:
            continue
        forms = {tuple(len(part) if part.isdigit() else part for part in row) for row in parts}
        if len(forms) != 1:
            continue
        form = forms.pop()
        if any(isinstance(part, str) and any(m.isalpha() for m in part) for part in form):
            continue
        code = _grouping(form)
        yield operation(f'f"{code}"', TEXT, TEXT, 1.0 if clues.unifies else 4.0, "grouped")


def _grouping(form: Sequence[int | str]) -> str:
    """The inside of a format string that takes the digits from the back, group by group."""
    left = sum(part for part in form if isinstance(part, int))
    code = ""
    for part in form:
        if isinstance(part, str):
            code += part.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{")
        else:
            end = f"-{left - part}" if left > part else ""
            code += f"{{{X}[-{left}:{end}]}}"
            left -= part
    return code

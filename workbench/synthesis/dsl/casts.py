"""What a cast makes of a text, here and in the programs that are written: one meaning, two forms.

`SOURCES` is the Python that goes into a program; `apply_cast` must agree with it.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from workbench.synthesis.dsl.document import Cast, DateCast

MAX_DIGITS = 300
ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")
WHOLE = re.compile(r"[+-]?\d{1,300}", re.ASCII)
DECIMAL = re.compile(
    r"[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][+-]?\d{1,3})?", re.ASCII
)

PATTERN_SOURCES = {
    "ORDINAL": r're.compile(r"(?<=\d)(?:st|nd|rd|th)\b")',
    "WHOLE": r're.compile(r"[+-]?\d{1,300}", re.ASCII)',
    "DECIMAL": (
        r're.compile(r"[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][+-]?\d{1,3})?", '
        "re.ASCII)"
    ),
}

SOURCES: dict[str, str] = {
    "int": '''
def read_whole(text):
    """The whole number that a text is, or None; commas between digits are dropped."""
    plain = (text or "").strip().replace(",", "")
    return int(plain) if WHOLE.fullmatch(plain) else None
''',
    "number": '''
def read_number(text):
    """The number that a text is, or None; commas between digits are dropped."""
    plain = (text or "").strip().replace(",", "")
    if WHOLE.fullmatch(plain):
        return int(plain)
    value = float(plain) if DECIMAL.fullmatch(plain) else math.inf
    return value if math.isfinite(value) else None
''',
    "date": '''
def read_date(text, formats):
    """The date that a text is by the first format that fits, as ISO 8601, or None."""
    plain = ORDINAL.sub("", (text or "").strip())
    for form in formats:
        try:
            found = datetime.datetime.strptime(plain, form)
        except ValueError:
            continue
        timed = "%H" in form or "%I" in form
        return found.isoformat() if timed else found.date().isoformat()
    return None
''',
}


def cast_key(cast: Cast) -> str:
    """Which source a cast needs; none for those that are a method of the text."""
    return "date" if isinstance(cast, DateCast) else cast


def apply_cast(cast: Cast, text: Any) -> Any:
    """The value, or None where the text is no such thing; a value that is no text is kept."""
    if not isinstance(text, str):
        return text
    if isinstance(cast, DateCast):
        return _read_date(text, cast.formats)
    match cast:
        case "lower":
            return text.lower()
        case "upper":
            return text.upper()
        case "trim":
            return text.strip()
    plain = text.strip().replace(",", "")
    if WHOLE.fullmatch(plain):
        return int(plain)
    if cast == "int" or not DECIMAL.fullmatch(plain):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


def _read_date(text: str, formats: tuple[str, ...]) -> str | None:
    plain = ORDINAL.sub("", text.strip())
    for form in formats:
        try:
            found = datetime.strptime(plain, form)
        except ValueError:
            continue
        timed = "%H" in form or "%I" in form
        return found.isoformat() if timed else found.date().isoformat()
    return None

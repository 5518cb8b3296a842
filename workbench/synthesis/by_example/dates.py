"""Steps that find a date or a time of day in a text, and write its parts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from workbench.synthesis.by_example.clues import Clues
from workbench.synthesis.by_example.code import X, constant, helper, quote_pattern
from workbench.synthesis.by_example.expression import Kind, Operation, operation
from workbench.synthesis.by_example.snippets import (
    CLOCK,
    CLOCK_WITH_MINUTES,
    MONTHS,
    WEEKDAYS,
)

TEXT, DATE, TIME = Kind.TEXT, Kind.DATE, Kind.TIME
_MONTH = r"(?P<month>(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)"
YEAR_FIRST = r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)"
COMPACT = r"(?<!\d)(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?!\d)"
COMPACT_DAY_FIRST = r"(?<!\d)(?P<day>\d{2})(?P<month>\d{2})(?P<year>\d{4})(?!\d)"
DAY_MONTH_NAME = (
    r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th)?[-\s.]*(?:of\s+)?"
    + _MONTH
    + r"[-\s.,/']*(?P<year>\d{4}|\d{2})(?!\d)"
)
MONTH_NAME_DAY = (
    _MONTH + r"[-\s.]*(?P<day>\d{1,2})(?:st|nd|rd|th)?[-\s.,/]+'?(?P<year>\d{4}|\d{2})(?!\d)"
)
YEAR_MONTH_NAME = r"(?<!\d)(?P<year>\d{4})[-\s.,/]*" + _MONTH + r"[-\s.]*(?P<day>\d{1,2})(?!\d)"
MONTH_NAME_YEAR = _MONTH + r"[-\s.,/']*(?P<year>\d{4}|\d{2})(?!\d)"
YEAR_MONTH = r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})(?!\d)"
MONTH_YEAR = r"(?<!\d)(?P<month>\d{1,2})[-/.](?P<year>\d{4})(?!\d)"
DAY_MONTH_ONLY = r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th)?[-\s.]+" + _MONTH
MONTH_DAY_ONLY = _MONTH + r"[-\s.]+(?P<day>\d{1,2})(?!\d)"
# What else one may expect where several forms are mixed: they cannot be mistaken for others.
PLAIN_FORMS = (YEAR_FIRST, DAY_MONTH_NAME, MONTH_NAME_DAY)


def _numeric(mark: str, first: str, second: str) -> str:
    return (
        rf"(?<!\d)(?P<{first}>\d{{1,2}}){mark}(?P<{second}>\d{{1,2}}){mark}"
        r"(?P<year>\d{4}|\d{2})(?!\d)"
    )


# Day first, and the same text read month first.
SWAPS = {
    _numeric(mark, "day", "month"): _numeric(mark, "month", "day")
    for mark in ("/", "-", "\\.", " ")
} | {COMPACT: COMPACT_DAY_FIRST}
# Tried in this order.
FORMS = (YEAR_FIRST, DAY_MONTH_NAME, MONTH_NAME_DAY, YEAR_MONTH_NAME, *SWAPS, MONTH_NAME_YEAR,
         YEAR_MONTH, MONTH_YEAR, DAY_MONTH_ONLY, MONTH_DAY_ONLY)  # fmt: skip
_compiled = {form: re.compile(form) for form in FORMS}
_clock = re.compile(r"\d{1,2}[:.h]\d{2}|\d{1,2}\s*[AaPp]\.?[Mm]\b")
_half = re.compile(r"\d\s*[AaPp]\.?[Mm]\b")


def date_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Finding a date, day first or month first, in the forms that these texts have."""
    forms: dict[str, None] = {}
    for text in values:
        for form in FORMS:
            if _compiled[form].search(text):
                forms.setdefault(form)
                break
    if not forms:
        return
    if len(forms) > 1:
        forms.update(dict.fromkeys(PLAIN_FORMS))
    ordered = [form for form in FORMS if form in forms]
    two_digits = any(re.search(r"(?<!\d)\d{2}(?!\d)\D*$", text) for text in values)
    swappable = [form for form in ordered if form in SWAPS][:3]
    for swapped in itertools.product((False, True), repeat=len(swappable)):
        readings = {
            form: SWAPS[form] for form, swap in zip(swappable, swapped, strict=True) if swap
        }
        written = [quote_pattern(readings.get(form, form)) for form in ordered]
        source = "(" + "".join(f"re.compile({form}), " for form in written).rstrip() + ")"
        patterns = constant("DATES", source)
        cost = 2.5 + 0.5 * len(forms) + (2.0 if COMPACT in readings else 0.0)
        cost += 1.0 if len(set(swapped)) > 1 else 0.0
        named = any("(?i:" in form for form in ordered)
        find = helper("find_date" if named else "find_numeric_date")
        yield operation(f"{find}({X}, {patterns})", TEXT, DATE, cost, "date")
        if two_digits:
            for pivot in (30, 50):
                code = f"{find}({X}, {patterns}, {pivot})"
                yield operation(code, TEXT, DATE, cost + 1.5, "date")


def write_date_operations(clues: Clues) -> Iterator[Operation]:
    """The parts of a date, as an output may show them."""
    month_name = f"{MONTHS}[{X}[1] - 1]"
    if clues.has_digit:
        yield _date(f'f"{{{X}[0]:04d}}"', 1.5, "year")
        yield _date(f'f"{{{X}[1]:02d}}"', 1.5, "month")
        yield _date(f'f"{{{X}[2]:02d}}"', 1.5, "day")
        yield _date(f'f"{{{X}[1]}}"', 1.7, "month")
        yield _date(f'f"{{{X}[2]}}"', 1.7, "day")
        yield _date(f'f"{{{X}[0] % 100:02d}}"', 2.0, "year")
        yield _date(f"{helper('ordinal')}({X}[2])", 2.5, "day")
        yield _date(f'f"{{({X}[1] + 2) // 3}}"', 4.0, "quarter")
        yield _date(f'f"{{{_calendar()}.timetuple().tm_yday:03d}}"', 5.5, "day_of_year")
        yield _date(f'f"{{{_calendar()}.isocalendar()[1]:02d}}"', 5.5, "week")
    if clues.has_lower or clues.has_upper:
        yield _date(month_name, 2.0, "month_name")
        yield _date(f"{month_name}[:3]", 2.2, "month_name")
        yield _date(f"{month_name}[:3].upper()", 3.0, "month_name")
        yield _date(f"{month_name}.upper()", 3.0, "month_name")
        yield _date(f"{month_name}[:3].lower()", 3.2, "month_name")
        yield _date(f"{month_name}.lower()", 3.2, "month_name")
        yield _date(f"{WEEKDAYS}[{_calendar()}.weekday()]", 3.0, "weekday")
        yield _date(f"{WEEKDAYS}[{_calendar()}.weekday()][:3]", 3.4, "weekday")
        yield _date(f"{WEEKDAYS}[{_calendar()}.weekday()].upper()", 4.4, "weekday")
        yield _date(f"{WEEKDAYS}[{_calendar()}.weekday()][:3].upper()", 4.4, "weekday")


def _calendar() -> str:
    return f"datetime.date(*{X})"


def _date(code: str, cost: float, hint: str) -> Operation:
    return operation(code, DATE, TEXT, cost, hint)


def time_operations(values: Sequence[str], clues: Clues) -> Iterator[Operation]:
    """Finding a time of day."""
    if not any(_clock.search(text) for text in values):
        return
    find = helper("find_time")
    yield operation(f"{find}({X}, {CLOCK_WITH_MINUTES})", TEXT, TIME, 2.5, "time")
    if any(_half.search(text) for text in values) or any("h" in text for text in values):
        yield operation(f"{find}({X}, {CLOCK})", TEXT, TIME, 3.0, "time")


def write_time_operations(clues: Clues) -> Iterator[Operation]:
    """The parts of a time of day, as an output may show them."""
    twelve = f"({X}[0] + 11) % 12 + 1"
    if clues.has_digit:
        yield _time(f'f"{{{X}[0]:02d}}"', 1.6, "hour")
        yield _time(f'f"{{{X}[1]:02d}}"', 1.6, "minute")
        yield _time(f'f"{{{X}[2]:02d}}"', 1.6, "second")
        yield _time(f'f"{{{X}[0]}}"', 2.0, "hour")
        yield _time(f'f"{{{twelve}}}"', 2.2, "hour")
        yield _time(f'f"{{{twelve}:02d}}"', 2.6, "hour")
        yield _time(f'f"{{{X}[0] * 60 + {X}[1]}}"', 4.0, "minutes")
        yield _time(f'f"{{{X}[0] * 3600 + {X}[1] * 60 + {X}[2]}}"', 4.5, "seconds")
    if "M" in clues.characters:
        yield _time(f'"AM" if {X}[0] < 12 else "PM"', 2.2, "half")
    if "m" in clues.characters:
        yield _time(f'"am" if {X}[0] < 12 else "pm"', 2.2, "half")
        if "." in clues.characters:
            yield _time(f'"a.m." if {X}[0] < 12 else "p.m."', 3.0, "half")


def _time(code: str, cost: float, hint: str) -> Operation:
    return operation(code, TIME, TEXT, cost, hint)

"""Where in a text an output value may have been taken from, and by which casts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.synthesis.dsl.casts import apply_cast
from workbench.synthesis.dsl.document import Cast, DateCast

Span = tuple[int, int]
MAX_SPANS = 60
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?", re.ASCII)
ISO = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?")
_DAYS = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d", "%d{0}%m{0}%y", "%m{0}%d{0}%y")
_NAMED = (
    "%d %{0} %Y", "%{0} %d, %Y", "%d-%{0}-%Y", "%{0} %d %Y", "%d. %{0} %Y", "%Y %{0} %d",
    "%d %{0}, %Y", "%Y-%{0}-%d", "%a, %d %{0} %Y", "%A, %{0} %d, %Y", "%A, %d %{0} %Y",
)  # fmt: skip
FORMATS = (
    "%Y-%m-%d", "%Y%m%d", "%d%m%Y",
    *(form.format(mark) for mark in "/.- " for form in _DAYS if form.format(mark) != "%Y-%m-%d"),
    *(form.format(month) for month in "bB" for form in _NAMED),
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d/%b/%Y:%H:%M:%S", "%d/%m/%Y %H:%M",
    "%d.%m.%Y %H:%M", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M",
)  # fmt: skip
_PIECES = {
    "Y": r"\d{4}", "m": r"\d{1,2}", "d": r"\d{1,2}(?:st|nd|rd|th)?", "y": r"\d{2}",
    "H": r"\d{1,2}", "M": r"\d{2}", "S": r"\d{2}", "b": "[A-Za-z]{3}", "B": "[A-Za-z]{3,9}",
    "a": "[A-Za-z]{3}", "A": "[A-Za-z]{6,9}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """A way to make an output field of a piece of text: the spans of each example, and casts.

    An example whose value is null has no spans.
    """

    casts: tuple[Cast, ...]
    spans: tuple[tuple[Span, ...], ...]


def find_source(texts: Sequence[str], values: Sequence[Any]) -> Source | None:
    """The plainest cast by which every value that is not null stands somewhere in its text."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, str) for value in present):
        for casts in ((), ("lower",), ("upper",)):
            if source := _source(texts, values, casts):
                return source
        if all(ISO.fullmatch(value) for value in present):
            return _date_source(texts, values)
        return None
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        whole = all(isinstance(value, int) for value in present)
        return (whole and _source(texts, values, ("int",))) or _source(texts, values, ("number",))
    return None


def _source(texts: Sequence[str], values: Sequence[Any], casts: tuple[Cast, ...]) -> Source | None:
    spans = []
    for text, value in zip(texts, values, strict=True):
        found = () if value is None else tuple(_spans(text, value, casts))[:MAX_SPANS]
        if value is not None and not found:
            return None
        spans.append(found)
    return Source(casts, tuple(spans))


def _spans(text: str, value: Any, casts: tuple[Cast, ...]) -> Iterator[Span]:
    if isinstance(value, str):
        searched = apply_cast(casts[0], text) if casts else text
        if value == "" or len(searched) != len(text):
            return
        start = searched.find(value)
        while start >= 0:
            yield start, start + len(value)
            start = searched.find(value, start + 1)
        return
    for found in NUMBER.finditer(text):
        for start in (found.start(), found.start() + found[0].startswith("-")):
            if apply_cast(casts[0], text[start : found.end()]) == value:
                yield start, found.end()
                break


def _date_source(texts: Sequence[str], values: Sequence[Any]) -> Source | None:
    """The formats that explain every date; one that reads some date wrongly comes last."""
    rows = [number for number, value in enumerate(values) if value is not None]
    right: dict[str, dict[int, tuple[Span, ...]]] = {}
    wrong: dict[str, int] = {}
    for form in FORMATS:
        for row in rows:
            tried = list(_date_pattern(form).finditer(texts[row]))
            places = tuple(m.span() for m in tried if _reads(form, m[0]) == values[row])
            if places:
                right.setdefault(form, {})[row] = places
            elif any(_reads(form, m[0]) is not None for m in tried):
                wrong[form] = wrong.get(form, 0) + 1
    chosen: list[str] = []
    explained: set[int] = set()
    for form in sorted(right, key=lambda each: (wrong.get(each, 0), -len(right[each]))):
        if not right[form].keys() <= explained:
            chosen.append(form)
            explained |= right[form].keys()
    if len(explained) < len(rows) or not chosen:
        return None
    spans = tuple(
        tuple(dict.fromkeys(span for form in chosen for span in right[form].get(row, ())))
        for row in range(len(texts))
    )
    return Source((DateCast(tuple(chosen)),), spans)


def _reads(form: str, text: str) -> Any:
    return apply_cast(DateCast((form,)), text)


def _date_pattern(form: str) -> re.Pattern[str]:
    """Finds what a format may read; re keeps the compiled ones."""
    written = re.sub(r"%(\w)", lambda found: f"\0{found[1]}", form)
    pieces = [
        _PIECES[piece[1]] if piece.startswith("\0") else re.escape(piece)
        for piece in re.findall(r"\0\w|[^\0]", written)
    ]
    return re.compile(r"(?<!\w)" + "".join(pieces) + r"(?!\w)")

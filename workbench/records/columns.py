"""Which fields of a file's records make columns, how wide, and how a record fills them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

# Of an execution and a validation: what a person looks for first; identifiers stand in detail.
FIRST = (
    "timestamp",
    "status",
    "match",
    "output",
    "oracle_output",
    "confidence",
    "latency_ms",
    "program_version",
)
LAST = ("input", "error")
HIDDEN = frozenset({"v", "execution_id", "task_id", "id", "program_id"})
TITLES = {
    "timestamp": "time",
    "program_version": "v",
    "latency_ms": "ms",
    "confidence": "sure",
    "oracle_output": "oracle",
}
MAX_WIDTH = 36
MIN_WIDTH = 2
MIN_FIGURE_WIDTH = 6
MAX_COLUMNS = 24

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Column:
    """One field of the records; `right` for figures."""

    field: str
    title: str
    width: int
    right: bool


def choose_columns(lines: Iterable[bytes]) -> list[Column]:
    """Columns that suit a sample of lines; none when no line is a JSON object."""
    texts: dict[str, list[str]] = {}
    figures: dict[str, bool] = {}
    for line in lines:
        record = decode(line)
        if not isinstance(record, dict):
            continue
        for field, value in record.items():
            if field in HIDDEN:
                continue
            texts.setdefault(field, []).append(cell_text(field, value))
            is_figure = isinstance(value, int | float) and not isinstance(value, bool)
            figures[field] = figures.get(field, True) and (is_figure or value is None)
    order = [field for field in FIRST if field in texts]
    order += [field for field in texts if field not in FIRST and field not in LAST]
    order += [field for field in LAST if field in texts]
    return [
        Column(field, title, _width(title, texts[field], figures[field]), figures[field])
        for field, title in ((field, TITLES.get(field, field)) for field in order[:MAX_COLUMNS])
    ]


def cells(line: bytes, columns: Sequence[Column]) -> list[str] | None:
    """A line's texts, one a column; None when it is no JSON object."""
    record = decode(line)
    if not isinstance(record, dict):
        return None
    return [
        cell_text(column.field, record[column.field]) if column.field in record else ""
        for column in columns
    ]


def cell_text(field: str, value: Any) -> str:
    """A value on one line. An object with one field is that field's value."""
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if field == "timestamp" and isinstance(value, str) and len(value) >= 19:
        return value[5:19].replace("T", " ")
    if isinstance(value, str):
        return value.translate(CONTROL)
    if isinstance(value, float):
        return f"{value:.4g}"
    if value is None:
        return "-"
    return msgspec.json.encode(value).decode()


def decode(line: bytes) -> Any:
    """A line's JSON value, None when it is none (or was cut)."""
    try:
        return _decode(line)
    except (ValueError, RecursionError):
        return None


# A control character would move the terminal's cursor.
CONTROL = dict.fromkeys([*range(32), *range(127, 160)], "·")


def _width(title: str, texts: Sequence[str], is_figure: bool) -> int:
    least = MIN_FIGURE_WIDTH if is_figure and any("." in text for text in texts) else MIN_WIDTH
    return min(MAX_WIDTH, max(least, len(title), *(len(text) for text in texts)))

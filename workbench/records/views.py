"""What a table of records shows: all lines of a file, those of a filter, or a sorted window."""

from __future__ import annotations

from array import array
from typing import Any, Protocol

import msgspec

from workbench.records.line_file import Stop
from workbench.records.line_index import MAX_SHOWN_BYTES, Line, LineIndex
from workbench.records.row_filter import MISSING, RowFilter, value_in
from workbench.records.scan import wanted_lines

WINDOW = 20_000
PIECE = 4096
MAX_RECORD = 64_000_000

_decode = msgspec.json.Decoder().decode


class Rows(Protocol):
    """Rows by their place in the view, from 0."""

    @property
    def count(self) -> int: ...

    def line(self, row: int, limit: int = MAX_SHOWN_BYTES) -> Line: ...

    def find(self, wanted: RowFilter, first: int, *, backwards: bool, stop: Stop) -> int | None:
        """The next row from `first` on (or before it) that is wanted; None without one."""


class AllRows:
    """Every line of the file."""

    def __init__(self, index: LineIndex) -> None:
        self._index = index

    @property
    def count(self) -> int:
        return self._index.count

    def line(self, row: int, limit: int = MAX_SHOWN_BYTES) -> Line:
        return self._index.line(row, limit)

    def find(self, wanted: RowFilter, first: int, *, backwards: bool, stop: Stop) -> int | None:
        """Gone through some thousand lines at a time."""
        index = self._index
        while 0 <= first < self.count and not stop():
            low = max(0, first + 1 - PIECE) if backwards else first
            high = first + 1 if backwards else min(self.count, first + PIECE)
            begin = index.offset_of(low)
            lines = index.file.read(begin, index.offset_of(high) - begin)
            found = [begin + at for at in wanted_lines(lines, wanted)]
            if found:
                return index.number_at(found[-1 if backwards else 0])
            first = low - 1 if backwards else high
        return None


class ChosenRows:
    """The lines that begin at `offsets`, in that order; more may be added while it is shown."""

    def __init__(self, index: LineIndex, offsets: array[int]) -> None:
        self._index = index
        self._offsets = offsets

    @property
    def count(self) -> int:
        return len(self._offsets)

    def line(self, row: int, limit: int = MAX_SHOWN_BYTES) -> Line:
        return self._index.line(self._index.number_at(self._offsets[row]), limit)

    def find(self, wanted: RowFilter, first: int, *, backwards: bool, stop: Stop) -> int | None:
        """Row by row."""
        order = range(first, -1, -1) if backwards else range(first, self.count)
        for row in order:
            if stop():
                return None
            if wanted.matches(self.line(row, MAX_RECORD).content):
                return row
        return None


def sort_window(
    rows: Rows, first: int, field: str, *, descending: bool, stop: Stop, size: int = WINDOW
) -> array[int]:
    """At most `size` rows from `first` on, sorted by a field: where their lines begin.

    Numbers come before texts, texts before anything else; rows without the field come last.
    """
    found: list[tuple[tuple[int, Any], int]] = []
    without = array("Q")
    for row in range(first, min(rows.count, first + size)):
        if stop():
            break
        line = rows.line(row, MAX_RECORD)
        key = _sort_key(line.content, field)
        if key is None:
            without.append(line.offset)
        else:
            found.append((key, line.offset))
    found.sort(key=lambda pair: pair[0], reverse=descending)
    return array("Q", (offset for _, offset in found)) + without


def _sort_key(content: bytes, field: str) -> tuple[int, Any] | None:
    try:
        value = value_in(_decode(content), field)
    except (ValueError, RecursionError):
        return None
    if value is MISSING or value is None:
        return None
    if isinstance(value, bool | int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, msgspec.json.encode(value))

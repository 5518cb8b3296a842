"""Two texts beside each other, line by line, long runs of equal lines folded. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

CONTEXT = 3
Change = Literal["same", "changed", "removed", "added", "folded"]


@dataclass(frozen=True, slots=True)
class SideRow:
    """One row: a line of each text, its number from 1, or nothing on a side that has none.

    Of a `folded` row, `left` says how many equal lines it stands for.
    """

    change: Change
    left_number: int | None
    left: str
    right_number: int | None
    right: str


def side_by_side(before: Sequence[str], after: Sequence[str]) -> list[SideRow]:
    """The rows of two texts; equal lines further than three from a change are folded."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    rows: list[SideRow] = []
    opcodes = matcher.get_opcodes()
    for place, (tag, a, b, c, d) in enumerate(opcodes):
        if tag == "equal":
            head = 0 if place == 0 else CONTEXT
            tail = 0 if place == len(opcodes) - 1 else CONTEXT
            rows.extend(_equal(before, a, b, c, head, tail))
        else:
            rows.extend(_changed(before[a:b], after[c:d], a, c))
    return rows


def _equal(
    lines: Sequence[str], first: int, last: int, other: int, head: int, tail: int
) -> Iterator[SideRow]:
    hidden = last - first - head - tail
    for index in range(first, last):
        at = index - first
        if hidden > 1 and head <= at < head + hidden:
            if at == head:
                yield SideRow("folded", None, f"{hidden:,} equal lines", None, "")
            continue
        yield SideRow("same", index + 1, lines[index], other + at + 1, lines[index])


def _changed(
    left: Sequence[str], right: Sequence[str], first: int, other: int
) -> Iterator[SideRow]:
    for at in range(max(len(left), len(right))):
        has_left, has_right = at < len(left), at < len(right)
        change: Change = "changed" if has_left and has_right else "removed" if has_left else "added"
        yield SideRow(
            change,
            first + at + 1 if has_left else None,
            left[at] if has_left else "",
            other + at + 1 if has_right else None,
            right[at] if has_right else "",
        )

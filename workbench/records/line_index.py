"""Where each line of a file begins: line ends are counted block by block, in the background.

It keeps one number for each 64 KB, so ten million lines take some 300 KB. Every line counted so
far can be read at once, while the rest is still being counted.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from workbench.records.line_file import LineFile, Stop

BLOCK = 1 << 16
MAX_CACHED_BLOCKS = 64
# Of one line, that much is read for a table; a record in detail is read whole.
MAX_SHOWN_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 0, where it begins, and its bytes, cut where it is very long."""

    number: int
    offset: int
    content: bytes


class Known(NamedTuple):
    """What is counted so far, replaced as a whole so that readers never see half a step."""

    blocks: int
    lines: int
    rest_bytes: int
    open_line: bool


class LineIndex:
    """The lines of one file. One thread extends it while others read."""

    def __init__(self, file: LineFile) -> None:
        self.file = file
        # _before[k] line ends stand before block k; there is one entry more than whole blocks.
        self._before = array("Q", [0])
        self._known = Known(0, 0, 0, False)
        self._ends: OrderedDict[tuple[int, int], list[int]] = OrderedDict()

    @property
    def count(self) -> int:
        """Lines known so far; a last line without its end is one."""
        return self._known.lines + self._known.open_line

    @property
    def known(self) -> Known:
        """What is counted so far."""
        return self._known

    def before_from(self, block: int, known: Known) -> array[int]:
        """For each whole block of `known` from `block` on: how many line ends stand before the
        next one."""
        return self._before[block + 1 : known.blocks + 1]

    def take(self, known: Known, before: array[int]) -> None:
        """Take over what another index of the file counted, the newest blocks as `before_from`."""
        first = known.blocks - len(before)
        self._before.extend(before[max(0, len(self._before) - 1 - first) :])
        if known.blocks >= self._known.blocks:  # it may be behind what was counted here at first
            self._known = known

    @property
    def indexed_bytes(self) -> int:
        return self._known.blocks * BLOCK + self._known.rest_bytes

    @property
    def share(self) -> float:
        """How much of the file is counted, from 0 to 1."""
        size = self.file.size
        return 1.0 if not size else min(1.0, self.indexed_bytes / size) * self.file.unpacked_share

    def extend(self, stop: Stop = lambda: False) -> None:
        """Count on from where it stopped to where the file ends now, or until `stop()`."""
        while not stop():
            known = self._known
            block = self.file.read(known.blocks * BLOCK, BLOCK)
            if len(block) <= known.rest_bytes:
                return
            lines = self._before[known.blocks] + block.count(b"\n")
            is_open = not block.endswith(b"\n")
            if len(block) < BLOCK:
                self._known = Known(known.blocks, lines, len(block), is_open)
                return
            self._before.append(lines)
            self._known = Known(known.blocks + 1, lines, 0, is_open)

    def offset_of(self, number: int) -> int:
        """Where line `number` begins; the end of what is counted for the line after the last."""
        if number <= 0:
            return 0
        known = self._known
        if number > known.lines:
            return known.blocks * BLOCK + known.rest_bytes
        block = bisect_left(self._before, number, 0, known.blocks + 1) - 1
        inside = self._line_ends(block)[number - self._before[block] - 1]
        return block * BLOCK + inside + 1

    def number_at(self, offset: int) -> int:
        """The number of the line that begins at `offset`."""
        block = min(offset // BLOCK, self._known.blocks)
        return self._before[block] + bisect_left(self._line_ends(block), offset - block * BLOCK)

    def line(self, number: int, limit: int = MAX_SHOWN_BYTES) -> Line:
        """Line `number`, at most `limit` bytes of it."""
        begin, end = self.offset_of(number), self.offset_of(number + 1)
        content = self.file.read(begin, min(limit, end - begin))
        return Line(number, begin, content.rstrip(b"\r\n"))

    def _line_ends(self, block: int) -> list[int]:
        """Where the line ends of a block stand in it; the blocks used last are remembered."""
        known = self._known
        size = BLOCK if block < known.blocks else known.rest_bytes
        found = self._ends.get((block, size))
        if found is None:
            content = self.file.read(block * BLOCK, size)
            found, at = [], content.find(b"\n")
            while at >= 0:
                found.append(at)
                at = content.find(b"\n", at + 1)
            self._ends[block, size] = found
            if len(self._ends) > MAX_CACHED_BLOCKS:
                self._ends.popitem(last=False)
        return found

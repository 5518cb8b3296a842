"""Figures that several processes keep in one piece of memory, so that any of them can add all up.

Each process writes to its own slot only. What a process has counted outlives it: its successor
takes the slot over and counts on, so totals never go back.
"""

from __future__ import annotations

import logging
import mmap
import struct
from collections.abc import Iterator
from typing import TypeAlias

SLOT_BYTES = 1 << 20
# Bytes used by rows, at the start of a slot; a row is not there until this says so.
USED = struct.Struct("=Q")
# Of each row: how many cells, and how many bytes of key (padded to eight).
ROW = struct.Struct("=II")
SEPARATOR = "\x1f"

logger = logging.getLogger("loopai.server")

Key = tuple[str, ...]
Cells: TypeAlias = "memoryview[float]"


class CounterMemory:
    """Shared by this process and those forked from it later."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._memory = memoryview(mmap.mmap(-1, slots * SLOT_BYTES))

    def slot(self, number: int) -> Slot:
        """The slot a process writes to; one process at a time."""
        return Slot(self._part(number))

    def rows(self) -> Iterator[tuple[Key, list[float]]]:
        """The rows of all slots; the same key may stand in several of them."""
        for number in range(self.slots):
            for key, cells in _rows(self._part(number)):
                yield key, [*cells]

    def _part(self, number: int) -> memoryview:
        return self._memory[number * SLOT_BYTES : (number + 1) * SLOT_BYTES]


class Slot:
    """Rows of numbers, found by key. Not safe for several threads without a lock."""

    def __init__(self, part: memoryview) -> None:
        self._part = part
        self._rows = dict(_rows(part))
        self._full = False

    def row(self, key: Key, count: int) -> Cells:
        """`count` float64 cells to count in, all 0 at first; the same ones for the same key."""
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = self._add(key, count)
        return row

    def clear(self, names: frozenset[str]) -> None:
        """Set to 0 the rows whose key begins with one of `names`."""
        for key, cells in self._rows.items():
            if key[0] in names:
                for index in range(len(cells)):
                    cells[index] = 0.0

    def _add(self, key: Key, count: int) -> Cells:
        name = SEPARATOR.join(key).encode()
        used = USED.unpack_from(self._part)[0] or USED.size
        start = used + ROW.size + _padded(len(name))
        end = start + 8 * count
        if end > SLOT_BYTES:
            if not self._full:
                logger.error(
                    "there is no room for further figures; %s and later are not shown", key
                )
                self._full = True
            return memoryview(bytearray(8 * count)).cast("d")
        ROW.pack_into(self._part, used, count, len(name))
        self._part[used + ROW.size : used + ROW.size + len(name)] = name
        USED.pack_into(self._part, 0, end)
        return self._part[start:end].cast("d")


def _rows(part: memoryview) -> Iterator[tuple[Key, Cells]]:
    at, end = USED.size, USED.unpack_from(part)[0]
    while at < end:
        count, length = ROW.unpack_from(part, at)
        name = bytes(part[at + ROW.size : at + ROW.size + length]).decode()
        start = at + ROW.size + _padded(length)
        at = start + 8 * count
        yield tuple(name.split(SEPARATOR)), part[start:at].cast("d")


def _padded(length: int) -> int:
    return -(-length // 8) * 8

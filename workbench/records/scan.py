"""Goes through a file for the lines a filter wants: streamed, to be stopped at any moment."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

from workbench.records.line_file import LineFile, Stop
from workbench.records.row_filter import RowFilter

CHUNK = 1 << 18
MAX_LINE = 64_000_000


class Scan:
    """The lines of a file that a filter wants, as far as it has got."""

    def __init__(self, file: LineFile, row_filter: RowFilter) -> None:
        self.file = file
        self.filter = row_filter
        #: Where the wanted lines begin, in file order.
        self.offsets = array("Q")
        #: How far the file has been gone through, in bytes.
        self.scanned = 0

    @property
    def share(self) -> float:
        size = self.file.size
        return 1.0 if not size else min(1.0, self.scanned / size) * self.file.unpacked_share

    def extend(self, stop: Stop = lambda: False) -> None:
        """Go on to where the file ends now, or until `stop()`. A last open line waits."""
        for begin, lines in chunks(self.file, self.scanned, stop):
            self.offsets.extend(begin + at for at in wanted_lines(lines, self.filter))
            self.scanned = begin + len(lines)


def chunks(file: LineFile, offset: int, stop: Stop) -> Iterator[tuple[int, bytes]]:
    """Whole lines in pieces of about 256 KB, each with where it begins."""
    length = CHUNK
    while not stop():
        piece = file.read(offset, length)
        end = piece.rfind(b"\n") + 1
        if end:
            yield offset, piece[:end]
            offset, length = offset + end, CHUNK
        elif len(piece) < length or length > MAX_LINE:
            return
        else:
            length *= 4


def wanted_lines(lines: bytes, row_filter: RowFilter) -> Iterator[int]:
    """Where in `lines` those begin that the filter wants."""
    rare = row_filter.rare
    if not rare:
        begin = 0
        for line in lines.removesuffix(b"\n").split(b"\n"):
            if row_filter.matches(line):
                yield begin
            begin += len(line) + 1
        return
    # Most pieces hold no such text at all, and are passed in one search each.
    small = lines.lower()
    after = 0
    for match in re.finditer(b"|".join(map(re.escape, rare)), small):
        if match.start() < after:
            continue
        begin = lines.rfind(b"\n", 0, match.start()) + 1
        after = lines.find(b"\n", match.end()) + 1 or len(lines)
        if row_filter.matches(lines[begin:after]):
            yield begin

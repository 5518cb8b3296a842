"""One file of records while the Dataset screen shows it: its index, and the filter if any.

`work` runs in a thread of its own and is the only writer; the screen reads what is there by now.
"""

from __future__ import annotations

import threading
from pathlib import Path

from workbench.records.columns import Column, choose_columns
from workbench.records.line_file import LineFile, Stop
from workbench.records.line_index import LineIndex
from workbench.records.row_filter import RowFilter
from workbench.records.scan import Scan
from workbench.records.views import AllRows, ChosenRows, Rows

SAMPLE_LINES = 60
SECONDS_BETWEEN_LOOKS = 0.3


class OpenFile:
    """Opens at once with its first lines; the rest comes as `work` gets on."""

    def __init__(self, path: Path) -> None:
        """Open `path` and look at its beginning. Raises NotFoundError or InvalidInputError."""
        self.path = path
        self.file = LineFile(path)
        self.index = LineIndex(self.file)
        self.all_rows = AllRows(self.index)
        self.rows: Rows = self.all_rows
        self.scan: Scan | None = None
        self.columns: list[Column] = []
        #: What kept a compressed file from being unpacked to its end.
        self.problem: Exception | None = None
        self._closed = threading.Event()
        self._wake = threading.Event()
        if not self.file.compressed:
            self.index.extend(_after(1))
            self.choose_columns()

    def choose_columns(self) -> None:
        """Choose columns by the first lines there are."""
        shown = range(min(SAMPLE_LINES, self.index.count))
        self.columns = choose_columns(self.index.line(number).content for number in shown)

    def filter_by(self, row_filter: RowFilter | None) -> None:
        """Show what a filter wants, as it is found; None shows all lines again."""
        self.scan = Scan(self.file, row_filter) if row_filter else None
        self.rows = self.in_file_order
        self._wake.set()

    @property
    def in_file_order(self) -> Rows:
        """What the filter wants, not sorted."""
        return ChosenRows(self.index, self.scan.offsets) if self.scan else self.all_rows

    def work(self) -> None:
        """Unpack, index and filter until `close`, and go on when the file grows."""
        unpacking = None
        if self.file.compressed:
            unpacking = threading.Thread(target=self._unpack, daemon=True)
            unpacking.start()
        while not self._closed.is_set():
            self.index.extend(self._closed.is_set)
            scan = self.scan
            if scan is not None:
                scan.extend(self._overtaken(scan))
            if not self.columns:
                self.choose_columns()
            busy = unpacking is not None and unpacking.is_alive()
            self._wake.wait(0.01 if busy else SECONDS_BETWEEN_LOOKS)
            self._wake.clear()
        if unpacking is not None:
            unpacking.join()
        self.file.close()

    def _overtaken(self, scan: Scan) -> Stop:
        return lambda: self._closed.is_set() or self.scan is not scan

    def _unpack(self) -> None:
        try:
            self.file.unpack(self._closed.is_set)
        except Exception as error:
            self.problem = error

    @property
    def share(self) -> float:
        """How much of it is indexed and filtered, from 0 to 1."""
        return min(self.index.share, self.scan.share if self.scan else 1.0)

    def close(self) -> None:
        """Have `work` end; it closes the file."""
        self._closed.set()
        self._wake.set()


def _after(times: int) -> Stop:
    """Stops what asks it once it was asked more often than `times`."""
    left = iter(range(times))
    return lambda: next(left, None) is None

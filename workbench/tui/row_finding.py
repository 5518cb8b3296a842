"""Going to rows that hold something, and sorting a window of rows: to be stopped."""

from __future__ import annotations

from typing import Any

from textual import work
from textual.worker import get_current_worker

from runtime.errors import LoopaiError
from workbench.records.row_filter import RowFilter
from workbench.records.views import WINDOW
from workbench.tui.open_file import OpenFile
from workbench.tui.place_screen import PlaceScreen
from workbench.tui.record_table import RecordTable


class RowFinding(PlaceScreen):
    """The part of the Dataset screen that searches and sorts what is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.opened_file: OpenFile | None = None
        #: The filter in force, what was searched for, and the field and way of sorting.
        self.query_text = ""
        self.searched = ""
        self.sorted_by = ""
        #: The row, among those not sorted, from which on they were sorted.
        self.sorted_from = 0
        #: To be gone to, and to be sorted by, once enough rows are known: as it was left.
        self.wanted_row = 0
        self.wanted_sort = ""
        #: Whether a search is under way.
        self.finding = False

    def say(self) -> None:
        """Tell in one line what is shown."""
        raise NotImplementedError

    def action_next(self, way: int) -> None:
        """Go to the next row that was searched for, or the one before."""
        if self.searched and self.opened_file:
            self.finding = True
            self._find(self.opened_file, RowFilter(self.searched), way)

    @work(thread=True, exclusive=True, group="find", exit_on_error=False)
    def _find(self, opened: OpenFile, row_filter: RowFilter, way: int) -> None:
        worker = get_current_worker()
        first = self.query_one(RecordTable).cursor + way
        try:
            row = opened.find(
                row_filter, first, backwards=way < 0, stop=lambda: worker.is_cancelled
            )
        except LoopaiError as error:
            self.app.call_from_thread(self._cannot_find, error)
            return
        if not worker.is_cancelled:
            self.app.call_from_thread(self._found, opened, row, way)

    def _cannot_find(self, error: LoopaiError) -> None:
        self.finding = False
        self.loopai.show_error(error)
        self.say()

    def _found(self, opened: OpenFile, row: int | None, way: int) -> None:
        if opened is not self.opened_file:
            return
        self.finding = False
        if row is None:
            where = "after" if way > 0 else "before"
            self.notify(f"{self.searched!r} is nowhere {where} this row.", severity="warning")
        else:
            table = self.query_one(RecordTable)
            table.take_growth()
            table.cursor = row
        self.say()

    def action_sort(self) -> None:
        """Sort the rows from the cursor on by a field; the same field again turns it round."""
        from workbench.tui.choice import Choice

        if self.opened_file is None or not self.opened_file.columns:
            return
        fields = [column.field for column in self.opened_file.columns]

        def chosen(field: str | None) -> None:
            if field and self.opened_file:
                cursor = self.query_one(RecordTable).cursor
                first = self.sorted_from if self.sorted_by else cursor
                label = f"{field} {'↑' if self.sorted_by == f'{field} ↓' else '↓'}"
                self.sort(self.opened_file, label, first)

        title = f"Sort up to {WINDOW:,} rows from here by"
        self.app.push_screen(Choice(title, fields), chosen)

    @work(thread=True, exclusive=True, group="find", exit_on_error=False)
    def sort(self, opened: OpenFile, label: str, first: int, cursor: int = 0) -> None:
        """Sort a window from row `first` on by a label such as `latency_ms ↓`."""
        worker = get_current_worker()
        field, _, way = label.rpartition(" ")
        offsets = opened.sort(field, first, descending=way == "↓", stop=lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show_sorted, opened, offsets, label, first, cursor)

    def sort_again(self, opened: OpenFile) -> None:
        """Sort as it was left, once all rows of the window are known."""
        enough = opened.in_file_order.count >= self.sorted_from + WINDOW
        if self.wanted_sort and (enough or opened.share >= 1.0):
            self.sort(opened, self.wanted_sort, self.sorted_from, self.wanted_row)
            self.wanted_row, self.wanted_sort = 0, ""

    def _show_sorted(
        self, opened: OpenFile, offsets: Any, label: str, first: int, cursor: int
    ) -> None:
        if opened is self.opened_file:
            opened.show_sorted(offsets)
            self.sorted_by, self.sorted_from = label, first
            self.query_one(RecordTable).show_rows(opened.rows, opened.columns, cursor)

"""A table of rows with keys, brought up to date without moving the cursor from its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import DataTable

Cell = Content | str


class ListTable(DataTable[Content]):
    """A cursor over whole rows; columns as wide as what they hold, those in `right` set right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("g,home", "scroll_top", "First", show=False),
        Binding("G,end", "scroll_bottom", "Last", show=False),
    ]

    def __init__(
        self, columns: Sequence[str], *, right: Sequence[str] = (), id: str | None = None
    ) -> None:
        super().__init__(cursor_type="row", id=id, classes="pane")
        self._names = tuple(columns)
        self._right = frozenset(right)
        for name in columns:
            self.add_column(name, key=name, width=len(name))

    def name_columns(self, names: Sequence[str]) -> None:
        """Have other columns from the next `show_rows` on."""
        self._names = tuple(names)

    def show_rows(self, rows: Mapping[str, Sequence[Cell]], *, cursor: str | None = None) -> None:
        """Show `rows`, a cell for each column; the cursor stays on its row, or goes to `cursor`."""
        shown = {key: [_content(cell) for cell in cells] for key, cells in rows.items()}
        widths = [
            max([len(name), *(cells[index].cell_length for cells in shown.values())])
            for index, name in enumerate(self._names)
        ]
        keys = [row.value for row in self.rows]
        kept = cursor or self.highlighted_key
        if keys != list(shown) or widths != [c.width for c in self.ordered_columns]:
            self.clear(columns=True)
            for name, width in zip(self._names, widths, strict=True):
                label = name.rjust(width) if name in self._right else name
                self.add_column(label, key=name, width=width)
            for key, cells in shown.items():
                self.add_row(*self._set(cells, widths), key=key)
            if kept in shown:
                self.move_cursor(row=list(shown).index(kept))
            return
        for key, cells in shown.items():
            for name, cell in zip(self._names, self._set(cells, widths), strict=True):
                if self.get_cell(key, name) != cell:
                    self.update_cell(key, name, cell)
        if cursor and cursor in shown:
            self.move_cursor(row=list(shown).index(cursor))

    @property
    def highlighted_key(self) -> str | None:
        """The key of the row under the cursor."""
        if not self.rows or not self.is_valid_row_index(self.cursor_row):
            return None
        return self.ordered_rows[self.cursor_row].key.value

    def _set(self, cells: Sequence[Content], widths: Sequence[int]) -> list[Content]:
        """The cells of one row, figures set to the right."""
        return [
            cell.pad_left(width - cell.cell_length) if name in self._right else cell
            for name, cell, width in zip(self._names, cells, widths, strict=True)
        ]


def _content(cell: Cell) -> Content:
    return cell if isinstance(cell, Content) else Content(cell)

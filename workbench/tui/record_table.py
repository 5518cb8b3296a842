"""A table over rows that are read only when they are on screen, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.records.columns import Column, cells
from workbench.records.views import Rows

GAP = 2
MAX_LAST_WIDTH = 400
# Some screens of drawn rows; thousands would keep the garbage collector busy between two keys.
MAX_KEPT_ROWS = 300
NO_COLUMNS = Column("", "line", MAX_LAST_WIDTH, False)


class RecordTable(ScrollView, can_focus=True):
    """Rows of a `Rows` under a header that stays. Draws from files, a screen at a time."""

    HELP = """\
# Records

One row a line of the file, read when it is shown: a file of any size opens at once.

Filters: `status=error`, `latency_ms>5`, `input.text~prize`, or any words. Several terms must
all hold.
"""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "records--header",
        "records--cursor",
        "records--number",
        "records--bad",
        "records--soft",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "to_row(0)", "First row", show=False),
        Binding("end,G", "to_end", "Last row", show=False),
        Binding("left,h", "sideways(-8)", "Left", show=False),
        Binding("right", "sideways(8)", "Right", show=False),
        Binding("enter", "open", "Detail"),
    ]

    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor stands on another row, or the row under it has changed."""

    class Opened(Message):
        """The row under the cursor is wanted in detail."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._rows: Rows | None = None
        self._columns: Sequence[Column] = (NO_COLUMNS,)
        self._strips: dict[int, Strip] = {}
        self._count = 0
        self._plain = Style.null()

    def show_rows(self, rows: Rows | None, columns: Sequence[Column], cursor: int = 0) -> None:
        """Show other rows, from the start or with the cursor on a row."""
        self._rows = rows
        self._columns = columns or (NO_COLUMNS,)
        self._strips.clear()
        self._count = 0
        self.set_reactive(RecordTable.cursor, cursor)
        self.take_growth()
        self.to_cursor(centre=True)
        self.post_message(self.Moved())

    def take_growth(self) -> bool:
        """Take note of rows that have come since; whether there were any."""
        count = self._rows.count if self._rows else 0
        if count == self._count and self.virtual_size.height:
            return False
        shown_to = round(self.scroll_offset.y) + self.size.height
        seen = self._count < shown_to or count < shown_to
        self._strips.pop(self._count - 1, None)  # the last row may have been open
        self._count = count
        width = self._number_width + sum(column.width + GAP for column in self._columns)
        size = Size(width, count + 1)
        if seen or width != self.virtual_size.width:
            self._strips.clear()
            self.virtual_size = size
            self.refresh()
        else:
            # Rows out of sight make the scrollbar's handle smaller; no layout, which slows keys.
            self.set_reactive(RecordTable.virtual_size, size)
            self._scroll_update(size)
        return True

    @property
    def count(self) -> int:
        return self._count

    @property
    def has_columns(self) -> bool:
        """Whether the columns are those of records, not plain lines."""
        return self._columns[0] is not NO_COLUMNS

    @property
    def at_end(self) -> bool:
        return self.cursor >= self._count - 1

    def watch_cursor(self, before: int, cursor: int) -> None:
        for row in (before, cursor):
            self.refresh(Region(0, row + 1 - round(self.scroll_offset.y), self.size.width, 1))
        self.to_cursor()
        self.post_message(self.Moved())

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, self._count - 1))

    def to_cursor(self, *, centre: bool = False) -> None:
        """Scroll so that the cursor's row can be seen."""
        height = max(1, self.scrollable_content_region.height - 1)
        top = round(self.scroll_target_y)
        if self.cursor < top or self.cursor >= top + height:
            wanted = self.cursor - height // 2 if centre else self.cursor
            if not centre and self.cursor >= top + height:
                wanted = self.cursor - height + 1
            self.scroll_to(y=max(0, wanted), animate=False, force=True)
            self.refresh()

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_page(self, by: int) -> None:
        self.cursor += by * max(1, self.scrollable_content_region.height - 2)

    def action_to_row(self, row: int) -> None:
        self.cursor = row

    def action_to_end(self) -> None:
        self.cursor = self._count - 1

    def action_sideways(self, by: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + by, animate=False)

    def action_open(self) -> None:
        """Show the whole record."""
        if self._count:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and offset.y > 0:
            self.cursor = round(self.scroll_offset.y) + offset.y - 1

    def render_lines(self, crop: Region) -> list[Strip]:
        self._plain = self.rich_style  # costs as much as a whole row, and is the same for all
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        left = round(self.scroll_offset.x)
        if y == 0:
            return self._header().crop_extend(left, left + width, self._plain)
        row = round(self.scroll_offset.y) + y - 1
        if row >= self._count:
            return Strip.blank(width, self._plain)
        strip = self._strips.get(row)
        if strip is None:
            if len(self._strips) > MAX_KEPT_ROWS:
                self._strips.clear()
            strip = self._strips[row] = self._row(row)
        shown = strip.crop_extend(left, left + width, self._plain)
        if row == self.cursor:
            shown = Strip(Segment.apply_style(shown, post_style=self._cursor_style), width)
        return shown

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    @property
    def _number_width(self) -> int:
        return max(6, len(f"{self._count:,}")) + GAP

    def _header(self) -> Strip:
        style = self.get_component_rich_style("records--header")
        parts = ["line".rjust(self._number_width - GAP), " " * GAP]
        for column in self._columns:
            parts.append(_fit(column.title, column) + " " * GAP)
        return Strip([Segment("".join(parts), style)])

    def _row(self, row: int) -> Strip:
        assert self._rows is not None
        line = self._rows.line(row)
        number = f"{line.number + 1:,}".rjust(self._number_width - GAP) + " " * GAP
        segments = [Segment(number, self.get_component_rich_style("records--number"))]
        texts = cells(line.content, self._columns)
        if texts is None or self._columns[0] is NO_COLUMNS:
            plain = line.content[:MAX_LAST_WIDTH].decode(errors="replace")
            segments.append(Segment(_printable(plain), self._style("records--soft")))
            return Strip(segments)
        for column, text in zip(self._columns, texts, strict=True):
            name = "records--bad" if _is_bad(column, text) else ""
            segments.append(Segment(_fit(text, column) + " " * GAP, self._style(name)))
        return Strip(segments)

    @property
    def _cursor_style(self) -> Style:
        """The cursor's ground below letters that keep their own colour."""
        style = self.get_component_rich_style("records--cursor")
        return Style(bgcolor=style.bgcolor, bold=style.bold)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name) if name else self._plain


def _is_bad(column: Column, text: str) -> bool:
    return (column.field == "status" and text in ("error", "timeout")) or (
        column.field == "match" and text == "false"
    )


def _fit(text: str, column: Column) -> str:
    """`text` in exactly the column's width, cut with an ellipsis."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) > column.width:
        return set_cell_size(text, column.width - 1) + "…"
    return text.rjust(column.width) if column.right else set_cell_size(text, column.width)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "·" for letter in text)

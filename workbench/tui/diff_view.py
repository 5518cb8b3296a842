"""Two programs beside each other, drawn line by line; one below the other where it is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.notebook.text import source_text
from workbench.side_by_side import SideRow

NUMBER = 5
TAB = 4
#: Longer programs are mostly tables, and take too long to colour.
MAX_COLOURED_LETTERS = 400_000
#: Of a line, more than any screen shows.
MAX_LINE = 500
LEFT_STYLES = {"changed": "diff--removed", "removed": "diff--removed"}
RIGHT_STYLES = {"changed": "diff--added", "added": "diff--added"}


class DiffView(ScrollView, can_focus=True):
    """Shows rows of `side_by_side`; both halves scroll together."""

    HELP = """\
# Source, side by side

What was is at the left, what is new at the right. Runs of equal lines are folded.
"""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "diff--removed",
        "diff--added",
        "diff--soft",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("n", "next_change", "Next change"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._rows: Sequence[SideRow] = ()
        self._coloured: tuple[Sequence[Text], Sequence[Text]] = ((), ())
        self._plain = Style.null()

    def show_rows(
        self, rows: Sequence[SideRow], before: Sequence[Text], after: Sequence[Text]
    ) -> None:
        """Show other rows, from the first, of texts with these lines, as `coloured` gives them."""
        same = list(rows) == list(self._rows)
        self._rows, self._coloured = rows, (before, after)
        self.virtual_size = Size(0, len(rows))
        if not same:
            self.scroll_to(0, 0, animate=False)
        self.refresh()

    def action_next_change(self) -> None:
        """Scroll to the next run of changed lines."""
        top = round(self.scroll_offset.y)
        quiet = False
        for at in range(top, len(self._rows)):
            changed = self._rows[at].change not in ("same", "folded")
            if changed and quiet:
                self.scroll_to(y=max(0, at - 1), animate=False)
                return
            quiet = quiet or not changed

    def render_lines(self, crop: Region) -> list[Strip]:
        self._plain = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        at = round(self.scroll_offset.y) + y
        if at >= len(self._rows):
            return Strip.blank(width, self._plain)
        row = self._rows[at]
        soft = self.get_component_rich_style("diff--soft")
        if row.change == "folded":
            return Strip([Segment(set_cell_size(f"      ⋯ {row.left}", width), soft)])
        half = (width - 1) // 2
        before, after = self._coloured
        left_style = LEFT_STYLES.get(row.change, "")
        right_style = RIGHT_STYLES.get(row.change, "")
        segments = [
            *self._half(row.left_number, before, left_style, half),
            Segment("│", soft),
            *self._half(row.right_number, after, right_style, width - half - 1),
        ]
        return Strip(segments)

    def _half(
        self, number: int | None, lines: Sequence[Text], style: str, width: int
    ) -> list[Segment]:
        shown, line = ("", Text()) if number is None else (f"{number}", lines[number - 1].copy())
        soft = self.get_component_rich_style("diff--soft")
        line.style = self.get_component_rich_style(style) if style else self._plain
        line.truncate(max(0, width - NUMBER), pad=True)
        body = line.render(self.app.console)
        return [Segment(shown.rjust(NUMBER - 1) + " ", soft), *body]


def lines_of(source: str) -> list[str]:
    """The lines of a program, without blank ones at its end."""
    return source.rstrip().split("\n")


def coloured(source: str, theme: str) -> list[Text]:
    """The lines of a Python program in the colours of a Pygments style; call it in a thread."""
    plain = lines_of(source)
    lines: list[Text] = []
    if len(source) <= MAX_COLOURED_LETTERS:
        lines.extend(source_text(source, "python", theme).split("\n", allow_blank=True))
    if [line.plain for line in lines] != plain:  # too long, or with line ends of another kind
        lines = [Text(line) for line in plain]
    for line in lines:
        line.no_wrap, line.end = True, ""
        line.truncate(MAX_LINE)
        line.expand_tabs(TAB)
    return lines

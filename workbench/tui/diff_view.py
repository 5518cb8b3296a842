"""Two programs beside each other, drawn line by line; one below the other where it is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.side_by_side import SideRow

NUMBER = 5
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
        self._plain = Style.null()

    def show_rows(self, rows: Sequence[SideRow]) -> None:
        """Show other rows, from the first."""
        self._rows = rows
        self.virtual_size = Size(0, len(rows))
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
        segments = [
            *self._half(row.left_number, row.left, LEFT_STYLES.get(row.change, ""), half),
            Segment("│", soft),
            *self._half(
                row.right_number, row.right, RIGHT_STYLES.get(row.change, ""), width - half - 1
            ),
        ]
        return Strip(segments)

    def _half(self, number: int | None, text: str, style: str, width: int) -> list[Segment]:
        shown = "" if number is None else f"{number}"
        soft = self.get_component_rich_style("diff--soft")
        used = self.get_component_rich_style(style) if style else self._plain
        body = set_cell_size(text.replace("\t", "    "), max(0, width - NUMBER))
        return [Segment(shown.rjust(NUMBER - 1) + " ", soft), Segment(body, used)]

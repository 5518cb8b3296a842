"""The column of a notebook's blocks: keeps the widgets in step with the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from workbench.notebook.document import Block, Document
from workbench.notebook.session import CellState
from workbench.tui.notebook_cell import CellView

Shown = list[tuple[int, Block]]


class CellColumn(VerticalScroll, can_focus=False):
    """All blocks that are not empty lines, in order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "step(1)", "Next cell", show=False),
        Binding("up,k", "step(-1)", "Cell before", show=False),
        Binding("home,g", "edge(0)", "First cell", show=False),
        Binding("end,G", "edge(-1)", "Last cell", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
    ]

    @property
    def views(self) -> list[CellView]:
        return list(self.query(CellView))

    @property
    def current(self) -> CellView | None:
        """The cell that has the focus, itself or its editor."""
        focused = self.screen.focused
        for node in focused.ancestors_with_self if focused else ():
            if isinstance(node, CellView):
                return node
        return None

    async def show_document(self, document: Document) -> None:
        """Change only the widgets whose block has changed."""
        wanted = [(i, b) for i, b in enumerate(document.blocks) if b.source.strip()]
        views = self.views
        start = _same(views, wanted)
        end = _same(views[start:][::-1], wanted[start:][::-1])
        old = views[start : len(views) - end]
        new = wanted[start : len(wanted) - end]
        # Where one block became another, its widget goes on with the new text.
        kept = min(len(old), len(new)) if len(old) == len(new) else 0
        async with self.batch():
            for view in old[kept:]:
                await view.remove()
            made = [CellView(index, block) for index, block in new[kept:]]
            if made:
                await self.mount_all(made, before=start + kept if self.children else None)
        for view, (index, block) in zip(self.views, wanted, strict=True):
            view.set_class(not block.is_cell, "prose")
            view.show_block(index, block)

    def show_states(self, states: Mapping[int, CellState]) -> None:
        """Show how each cell stands."""
        for view in self.views:
            view.show_state(states.get(view.index))

    def view_of(self, index: int) -> CellView | None:
        """The widget of one block."""
        return next((view for view in self.views if view.index == index), None)

    def focus_block(self, index: int) -> None:
        """Focus a block, or the nearest there is."""
        views = self.views
        if views:
            nearest = min(views, key=lambda view: abs(view.index - index))
            self.screen.set_focus(nearest, scroll_visible=False)
            self._reveal(nearest)

    def action_step(self, by: int) -> None:
        """Go to the next cell or the one before."""
        views, current = self.views, self.current
        if not views:
            return
        here = views.index(current) if current in views else -1 if by > 0 else len(views)
        self.focus_block(views[min(max(here + by, 0), len(views) - 1)].index)

    def action_edge(self, place: int) -> None:
        """Go to the first or the last cell."""
        if self.views:
            self.focus_block(self.views[place].index)

    def action_page(self, by: int) -> None:
        """Scroll by a page, whatever has the focus."""
        self.scroll_relative(y=by * (self.size.height - 2), animate=False)

    def _reveal(self, view: CellView) -> None:
        # The head of a cell that is higher than the screen, not its end.
        self.call_after_refresh(
            self.scroll_to_widget, view, animate=False, top=view.size.height > self.size.height
        )


def _same(views: list[CellView], wanted: Shown) -> int:
    """How many widgets at the beginning show what they should."""
    count = 0
    for view, (_, block) in zip(views, wanted, strict=False):
        if (view.block.kind, view.block.source) != (block.kind, block.source):
            break
        count += 1
    return count

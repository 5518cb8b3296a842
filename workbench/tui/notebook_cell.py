"""One block of a notebook on the screen: what it says, how it went, what it gave."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from workbench.notebook.dependencies import FILE
from workbench.notebook.document import Block
from workbench.notebook.kinds import KINDS
from workbench.notebook.output import MAX_ROWS, Output
from workbench.notebook.session import CellState
from workbench.notebook.text import MARK_STYLES, MARKS, draw_parts, source_text
from workbench.tui.notebook_editor import CellEditor
from workbench.tui.notebook_prose import Prose
from workbench.tui.themes import code_style

SOURCE_LINES = 14
OUTPUT_ROWS = 8
OUTPUT_LINES = 14
ALL_LINES = 5000
MARGIN = 6


class CellView(Vertical, can_focus=True):
    """A cell or a stretch of prose; the focused one is what the keys are about."""

    HELP = """\
# Notebook

Words and cells, one below the other. Cells stand on cells above them; **stale** marks what was
made before something it stands on has changed.

- **enter** edits, **esc** leaves the editor
- **r** runs this cell and what it needs, **s** all that is stale, **R** everything, **x** stops
- **a** adds a cell below, **A** above, **d** deletes, **J** and **K** move it, **u** undoes
- **space** shows all of an output, **y** copies it, **e** makes a page of the notebook
"""

    class Clicked(Message):
        """The person wants to change this block."""

        def __init__(self, view: CellView) -> None:
            super().__init__()
            self.view = view

    def __init__(self, index: int, block: Block) -> None:
        super().__init__(classes="cell" if block.is_cell else "cell prose")
        self.index = index
        self.block = block
        self.state: CellState | None = None
        self.expanded = False
        self._activity = ""

    def compose(self) -> ComposeResult:
        yield Static(classes="cell-head", markup=False)
        yield Static(classes="cell-source", markup=False)
        yield Static(classes="cell-output", markup=False)

    def on_mount(self) -> None:
        # Source is drawn in the colours of the theme.
        self.watch(self.app, "theme", self.draw, init=False)
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def on_click(self, event: events.Click) -> None:
        if event.chain == 2:
            self.post_message(self.Clicked(self))

    @property
    def editor(self) -> CellEditor | None:
        found = self.query(CellEditor)
        return found.first() if found else None

    async def open_editor(self) -> None:
        """Put the editor in the place of the text."""
        if self.editor is None:
            editor = CellEditor(self.block)
            self.add_class("-editing")
            await self.mount(editor, after=self.query_one(".cell-source"))
            # At once: `focus()` waits its turn, and a key pressed meanwhile would be a command.
            self.screen.set_focus(editor)

    async def close_editor(self) -> None:
        """Show the text again."""
        editor = self.editor
        if editor is not None:
            # Not the focus of another cell on the way, and no drawing of what is being removed.
            self.screen.set_focus(self, scroll_visible=False)
            editor.display = False
            self.remove_class("-editing")
            await editor.remove()

    def show_block(self, index: int, block: Block) -> None:
        """Take another place, or another text."""
        changed = block != self.block
        self.index, self.block = index, block
        if changed:
            self.draw()

    def show_state(self, state: CellState | None) -> None:
        """Show how the cell stands."""
        if state != self.state:
            self.state = state
            self.draw()

    def show_running(self, message: str) -> None:
        """Say what the cell is doing; empty when it has ended."""
        if message != self._activity:
            self._activity = message
            self.set_class(bool(message), "-running")
            self._draw_head()

    def toggle_expanded(self) -> None:
        """Show all of it, or as much as a glance needs."""
        self.expanded = not self.expanded
        self.draw()

    @property
    def output(self) -> Output | None:
        return self.state.output if self.state else None

    def draw(self) -> None:
        """Draw everything anew."""
        if not self.is_mounted:
            return
        stale = bool(self.output and self.state and self.state.freshness == "stale")
        self.set_class(stale, "-stale")
        status = self.output.status if self.output else "none"
        for each in ("ok", "failed", "error"):
            self.set_class(status == each, f"-{each}")
        self._draw_head()
        self.query_one(".cell-source", Static).update(self._source())
        output = self.query_one(".cell-output", Static)
        parts = self.output.parts if self.output else ()
        output.display = bool(parts)
        if parts:
            output.update(self._output())

    def _draw_head(self) -> None:
        head = self.query_one(".cell-head", Static)
        head.display = self.block.is_cell
        if not self.block.is_cell:
            return
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(self.block.kind, style="bold")
        name = self.block.options.get("name")
        text.append(f" {name}" if name else "")
        for key, value in self.block.options.items():
            text.append(f" {key}={value}" if key != "name" else "", style="dim")
        text.append("  ")
        if self._activity:
            text.append(f"▶ {self._activity}", style="bold")
        elif self.block.problems:
            text.append(f"! {self.block.problems[0].message}", style="red")
        elif self.output is None:
            text.append("not run yet", style="dim")
        else:
            self._append_outcome(text, self.output)
        head.update(text)

    def _append_outcome(self, text: Text, output: Output) -> None:
        if self.state and self.state.freshness == "stale" and output.has_result:
            text.append("stale ", style="yellow")
        style = MARK_STYLES[output.status]
        text.append(f"{MARKS[output.status]} ", style=style)
        text.append(output.summary.split("\n")[0], style="" if output.has_result else style)
        if output.seconds >= 1:
            text.append(f"  {output.seconds:.0f} s", style="dim")

    def _source(self) -> RenderableType:
        if not self.block.is_cell:
            return Prose(self.block.source.strip(), code_theme=self._code_theme)
        body = self.block.body.removesuffix("\n")
        lines = body.split("\n")
        shown = lines if self.expanded else lines[:SOURCE_LINES]
        language: Any = "yaml" if body.startswith(FILE) else KINDS[self.block.kind].language
        text = source_text("\n".join(shown), language, self._code_theme)
        if len(shown) < len(lines):
            more = f"\nand {len(lines) - len(shown):,} more lines (space shows all)"
            text.append(more, style="dim")
        return text

    def _output(self) -> RenderableType:
        assert self.output is not None
        return draw_parts(
            self.output.parts,
            max(self.size.width - MARGIN, 20),
            rows=MAX_ROWS if self.expanded else OUTPUT_ROWS,
            lines=ALL_LINES if self.expanded else OUTPUT_LINES,
            theme=self._code_theme,
        )

    @property
    def _code_theme(self) -> str:
        return code_style(self.app.current_theme)

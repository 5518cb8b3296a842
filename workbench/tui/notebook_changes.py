"""The Notebook tab's changes: editing a block, adding, moving and deleting one, undoing."""

from __future__ import annotations

from textual import on
from textual.widgets import TextArea

from runtime.errors import LoopaiError
from workbench.notebook.document import PROSE, Document
from workbench.notebook.editing import delete_block, insert_cell, move_block, replace_body
from workbench.notebook.kinds import KINDS
from workbench.tui.notebook_cell import CellView
from workbench.tui.notebook_dialogs import KindDialog
from workbench.tui.notebook_editor import CellEditor
from workbench.tui.notebook_page import NotebookPage


class NotebookChanges(NotebookPage):
    """A notebook that is written in."""

    async def action_edit(self) -> None:
        view = self.column.current
        if view is not None:
            await self.leave_editor()
            await view.open_editor()

    @on(CellView.Clicked)
    async def _edit_clicked(self, message: CellView.Clicked) -> None:
        await self.leave_editor()
        await message.view.open_editor()

    @on(TextArea.Changed, ".cell-editor")
    def _typed(self) -> None:
        self.keep_soon()

    @on(CellEditor.Left)
    async def _editor_left(self) -> None:
        await self.leave_editor()

    async def leave_editor(self) -> None:
        """Take up what was written, and show the cell again."""
        view = next((view for view in self.column.views if view.editor), None)
        if view is None:
            return
        draft = self.draft()
        await view.close_editor()
        if draft is not None:
            await self._change(draft, view.index)
        else:
            self.set_focus(view)

    def draft(self) -> Document | None:
        """The document with what stands in the open editor; None without one, or no change."""
        view = next((view for view in self.column.views if view.editor), None)
        if view is None or view.editor is None or self.opened is None:
            return None
        text = view.editor.text
        if text == view.editor.loaded:
            return None
        if not view.block.is_cell:
            source = view.block.source
            before = source[: len(source) - len(source.lstrip("\r\n"))]
            after = source[len(source.rstrip("\r\n")) :]
            text = before + text + after
        return replace_body(self.opened.document, view.index, text)

    async def _change(self, document: Document, focus: int) -> None:
        """Go on with a changed document."""
        assert self.opened is not None
        self.opened.change(document)
        await self._after_change(focus)

    async def _after_change(self, focus: int) -> None:
        await self.show_document()
        self.column.focus_block(focus)
        self.keep()
        self.save_soon()

    def action_add(self, below: int) -> None:
        if self.opened is None:
            return

        # Awaited by the app, so that keys pressed meanwhile reach the new cell's editor.
        async def arrive(kind: str | None) -> None:
            if kind is not None:
                await self._add(kind, below)

        self.app.push_screen(KindDialog(), arrive)

    async def _add(self, kind: str, below: int) -> None:
        if self.opened is None:
            return
        await self.leave_editor()
        current = self.column.current
        place = current.index + below if current else len(self.opened.document.blocks) * below
        body = "Words.\n" if kind == PROSE else KINDS[kind].template
        before = sum(block.is_cell for block in self.opened.document.blocks[:place])
        document = insert_cell(self.opened.document, place, kind, body)
        index = document.cells[before] if kind != PROSE else place
        await self._change(document, index)
        view = self.column.view_of(index)
        if view is not None:
            await view.open_editor()

    async def action_delete(self) -> None:
        view = self.column.current
        if view is not None and self.opened is not None:
            await self._change(delete_block(self.opened.document, view.index), view.index)
            self.notify("Deleted. u brings it back.", timeout=3)

    async def action_move(self, by: int) -> None:
        view = self.column.current
        if view is not None and self.opened is not None:
            try:
                document, index = move_block(self.opened.document, view.index, by)
            except LoopaiError as error:
                self.loopai.show_error(error)
            else:
                await self._change(document, index)

    async def action_undo(self) -> None:
        current = self.column.current
        if self.opened is not None and self.opened.undo():
            await self._after_change(current.index if current else 0)
        else:
            self.notify("Nothing to undo.", timeout=2)

    async def action_redo(self) -> None:
        current = self.column.current
        if self.opened is not None and self.opened.redo():
            await self._after_change(current.index if current else 0)

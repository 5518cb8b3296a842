"""The Notebook tab: cells to write and run, outputs below them. All work is the notebook's own."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from runtime.data_dir import write_atomic
from runtime.errors import LoopaiError
from workbench.notebook.output import Output
from workbench.notebook.session import cell_states
from workbench.notebook.starting import notebook_of
from workbench.notebook.text import plain_text
from workbench.tui.notebook_changes import NotebookChanges
from workbench.tui.notebook_dialogs import NotebookDialog
from workbench.tui.notebook_files import all_notebooks, make_notebook
from workbench.tui.notebook_run_line import RunLine

NEEDS_CELL = frozenset({"edit", "run_cell", "delete", "move", "expand", "copy_output"})


class NotebookScreen(NotebookChanges):
    """One notebook."""

    CSS_PATH = "notebook_screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "Edit"),
        Binding("r", "run_cell", "Run", tooltip="Run this cell and what it needs"),
        Binding("s", "run('stale')", "Stale", tooltip="Run all cells that are stale"),
        Binding("R", "run('all')", "All", tooltip="Run all cells"),
        Binding("x", "interrupt", "Stop", tooltip="Interrupt what runs"),
        Binding("a", "add(1)", "Add", tooltip="Add a cell below"),
        Binding("A", "add(0)", "Add above", show=False),
        Binding("d", "delete", "Delete"),
        Binding("K,shift+up", "move(-1)", "Move up", show=False),
        Binding("J,shift+down", "move(1)", "Move down", show=False),
        Binding("u", "undo", "Undo"),
        Binding("U", "redo", "Redo", show=False),
        Binding("space", "expand", "More", tooltip="Show all of a cell, or less", show=False),
        Binding("y", "copy_output", "Copy output", show=False),
        Binding("o", "open", "Open", tooltip="Open another notebook"),
        Binding("n", "new", "New", tooltip="Make the task's notebook"),
        Binding("e", "export", "Export", tooltip="A page, opened in a browser", show=False),
        Binding("ctrl+s", "save", "Save", show=False),
        Binding("f9", "read_again", "Read the file again", show=False),
        Binding("f10", "write_over", "Write over the file", show=False),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now is offered."""
        if not self.is_mounted:
            return True
        if action == "interrupt":
            return self.query_one(RunLine).running
        if action == "edit" and self.editing:
            return False
        if action == "new":
            return self.opened is None or self.opened.file != self._own_file
        if action in NEEDS_CELL:
            return self.column.current is not None
        if action in ("run", "export", "add", "undo", "redo", "save"):
            return self.opened is not None
        return True

    @property
    def _own_file(self) -> Path | None:
        task = self.loopai.chosen
        return notebook_of(self.data_dir, task) if task else None

    async def action_run_cell(self) -> None:
        await self.leave_editor()
        view = self.column.current
        if view is None:
            return
        if view.block.is_cell:
            self._start(view.index)
        else:
            self.column.action_step(1)

    async def action_run(self, wanted: str) -> None:
        await self.leave_editor()
        self._start(wanted)

    def _start(self, wanted: str | int) -> None:
        if self.opened is None or self.session is None:
            return
        line = self.query_one(RunLine)
        if line.running:
            self.notify("Cells are running already; x stops them.", timeout=3)
            return
        self.save()
        line.start(self.opened.document, self.data_dir, self.session, wanted)
        self.refresh_bindings()

    def action_interrupt(self) -> None:
        self.query_one(RunLine).interrupt()

    @on(RunLine.Moved)
    def _run_moved(self, message: RunLine.Moved) -> None:
        progress = message.progress
        view = self.column.view_of(progress.index)
        if view is not None:
            done = progress.what == "done"
            view.show_running("" if done else progress.message or "running")
        if progress.what == "done":
            self.refresh_states()

    @on(RunLine.Ended)
    def _run_ended(self, message: RunLine.Ended) -> None:
        for view in self.column.views:
            view.show_running("")
        self.refresh_states()
        self.refresh_bindings()
        self._tell(message.outputs)

    def _tell(self, outputs: list[Output]) -> None:
        """A notice for what a person should look at."""
        wrong = [output for output in outputs if output.status in ("failed", "error")]
        if any(output.status == "interrupted" for output in outputs):
            self.notify("Interrupted. Nothing is left half done.", timeout=4)
        elif wrong:
            first = wrong[0]
            error = LoopaiError(f"{first.label}: {first.summary}")
            doing = "Does not hold" if first.status == "failed" else "A cell could not be run"
            self.loopai.show_error(error, doing)
        elif not outputs:
            self.notify("Nothing is stale.", timeout=3)

    def action_expand(self) -> None:
        view = self.column.current
        if view is not None:
            view.toggle_expanded()

    def action_copy_output(self) -> None:
        view = self.column.current
        if view is not None and view.output is not None:
            self.app.copy_to_clipboard(plain_text(view.output))
            self.notify("The output is on the clipboard.", timeout=3)

    def action_save(self) -> None:
        draft = self.draft()
        if draft is not None and self.opened is not None:
            self.opened.change(draft)
        self.save()

    async def action_read_again(self) -> None:
        await self.read_again()

    def action_write_over(self) -> None:
        self.save(over_changes=True)

    def action_open(self) -> None:
        def arrive(file: Path | None) -> None:
            if file is not None:
                self.open_file(file)

        files = all_notebooks(self.data_dir)
        if files:
            self.app.push_screen(NotebookDialog(files), arrive)
        else:
            self.notify("There is no notebook here yet; n makes one.")

    def action_new(self) -> None:
        try:
            self.open_file(make_notebook(self.data_dir, self.loopai.chosen))
        except (LoopaiError, OSError) as error:
            self.loopai.show_error(error, "No notebook can be made")

    @work(thread=True, exclusive=True, group="export", exit_on_error=False)
    def action_export(self) -> None:
        """Write the page beside the notebook and open it in a browser."""
        opened, session = self.opened, self.session
        if opened is None or session is None:
            return
        from workbench.notebook.html import export_page

        states = cell_states(opened.document, session, self.data_dir)
        file = opened.file.with_suffix(".html")
        write_atomic(file, export_page(opened.document, states))
        self.app.call_from_thread(self._exported, file)

    def _exported(self, file: Path) -> None:
        self.app.open_url(file.as_uri())
        self.notify(str(file), title="Exported", markup=False)

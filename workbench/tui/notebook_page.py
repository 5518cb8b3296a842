"""The Notebook tab's ground: which notebook is open, what is shown of it, and its saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import get_current_worker

from runtime.errors import LoopaiError
from workbench.notebook.document import Document
from workbench.notebook.opened import ChangedOnDiskError, OpenedNotebook
from workbench.notebook.session import CellState, Session, cell_states
from workbench.tui.notebook_cells import CellColumn
from workbench.tui.notebook_files import task_notebook
from workbench.tui.notebook_run_line import RunLine
from workbench.tui.place_screen import PlaceScreen

#: Unsaved text is kept beside the file this soon, and saved into it a little later.
KEEP_SECONDS = 0.3
SAVE_SECONDS = 2.0


class NotebookPage(PlaceScreen):
    """One open notebook, shown and saved."""

    PLACE: ClassVar[str] = "notebook"

    def __init__(self) -> None:
        super().__init__()
        self.opened: OpenedNotebook | None = None
        self.session: Session | None = None
        self._files: dict[str, str] = {}
        self._positions: dict[str, int] = {}
        self._states: dict[int, CellState] = {}
        self._keeping: Timer | None = None
        self._saving: Timer | None = None
        #: Another program has changed the file; nothing is saved until the person decides.
        self._conflict = False

    def compose_body(self) -> ComposeResult:
        yield Static(id="notebook-title", markup=False)
        yield CellColumn(id="cells")
        yield Static(id="no-notebook")
        yield RunLine()

    def on_mount(self) -> None:
        kept = self.loopai.state.get(self.PLACE, {})
        self._files, self._positions = kept.get("files", {}), kept.get("positions", {})
        super().on_mount()
        self.set_interval(self.loopai.settings.refresh_sec, self._look_at_file)

    def kept_state(self) -> dict[str, Any]:
        # The app ends: what stands in an open editor is taken up now.
        draft = self.draft()
        if draft is not None and self.opened is not None:
            self.opened.change(draft)
        self.save()
        self._remember_position()
        return {"files": self._files, "positions": self._positions}

    @property
    def column(self) -> CellColumn:
        return self.query_one(CellColumn)

    @property
    def editing(self) -> bool:
        """Whether an editor is open."""
        return any(view.editor for view in self.column.views)

    def draft(self) -> Document | None:
        """The document with what stands in the open editor; None without one, or no change."""
        return None

    async def leave_editor(self) -> None:
        """Take up what was written, and show the cell again."""

    def show_task(self, task: str | None) -> None:
        wanted = self._files.get(task or "")
        file = Path(wanted) if wanted and Path(wanted).is_file() else None
        file = file or task_notebook(self.data_dir, task)
        if self.opened is not None and self.opened.file == file:
            self.refresh_states()
        elif not self.query_one(RunLine).running:
            self.open_file(file)

    @work(exclusive=True, group="open", exit_on_error=False)
    async def open_file(self, file: Path | None) -> None:
        """Show another notebook; the one before is saved first."""
        await self.leave_editor()
        self.save()
        self._remember_position()
        self.opened = self.session = None
        self._states, self._conflict = {}, False
        try:
            if file is not None:
                self.opened = OpenedNotebook(file)
                self.session = Session.read(self.opened.file)
        except LoopaiError as error:
            self.loopai.show_error(error, "The notebook cannot be opened")
        await self.show_document()
        if self.opened is None:
            return
        self._files[self.loopai.chosen or ""] = str(self.opened.file)
        self.column.focus_block(self._positions.get(str(self.opened.file), 0))
        if self.opened.recovered:
            self.notify(
                "What was not saved before the last end is back. Undo (u) shows the file as it is.",
                title="Recovered",
            )

    async def show_document(self) -> None:
        """Bring the screen in step with the document."""
        there = self.opened is not None
        self.column.display, self.query_one("#no-notebook").display = there, not there
        if self.opened is None:
            task = self.loopai.chosen
            words = f"{task} has no notebook yet" if task else "No notebook is open"
            hint = f"{words}.\n\n[b]n[/b] makes one, [b]o[/b] opens another."
            self.query_one("#no-notebook", Static).update(hint)
        else:
            await self.column.show_document(self.opened.document)
        self.refresh_states()
        self.show_title()
        self.refresh_bindings()

    def show_title(self) -> None:
        opened = self.opened
        title = self.query_one("#notebook-title", Static)
        if opened is None:
            title.update("")
            return
        stale = sum(state.freshness != "fresh" for state in self._states.values())
        problems = opened.document.problems
        parts: list[tuple[str, str]] = [(opened.file.name, "bold $foreground")]
        parts.append(("  unsaved", "$warning") if opened.unsaved else ("  saved", ""))
        if stale:
            parts.append((f"  {stale} to run", "$warning"))
        if problems:
            parts.append((f"  line {problems[0].line}: {problems[0].message}", "$error"))
        title.update(Content.assemble(*parts))

    @work(thread=True, exclusive=True, group="states", exit_on_error=False)
    def refresh_states(self) -> None:
        """Find out what is stale; reads the files that cells name, so not on this thread."""
        opened, session = self.opened, self.session
        if opened is None or session is None:
            return
        document, worker = opened.document, get_current_worker()
        states = cell_states(document, session, self.data_dir)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._take_states, document, states)

    def _take_states(self, document: Document, states: dict[int, CellState]) -> None:
        if self.opened is not None and document is self.opened.document:
            self._states = states
            self.column.show_states(states)
            self.show_title()

    def keep_soon(self) -> None:
        """Keep unsaved text beside the file once the typing pauses."""
        if self._keeping is not None:
            self._keeping.stop()
        self._keeping = self.set_timer(KEEP_SECONDS, self.keep)

    def keep(self) -> None:
        """Keep unsaved text, that of an open editor too, where a crash does not reach it."""
        if self.opened is None:
            return
        try:
            self.opened.keep(self.draft())
        except OSError as error:
            self.loopai.show_error(error, "Unsaved text cannot be kept")

    def save_soon(self) -> None:
        """Save when nothing has changed for a while."""
        if self._saving is not None:
            self._saving.stop()
        self._saving = self.set_timer(SAVE_SECONDS, self.save)

    def save(self, *, over_changes: bool = False) -> None:
        """Save now, where something is unsaved."""
        if self.opened is None or (self._conflict and not over_changes):
            return
        try:
            self.opened.save(over_changes=over_changes)
            self._conflict = False
        except ChangedOnDiskError as error:
            self._conflict = True
            self.loopai.show_error(error, "Not saved: F9 reads it again, F10 writes over it")
        except OSError as error:
            self.loopai.show_error(error, "The notebook cannot be saved")
        self.show_title()

    async def _look_at_file(self) -> None:
        """Take up what another program has written, where nothing here would be lost."""
        if not self.is_current or self.editing:
            return
        if self.opened is None:
            if task_notebook(self.data_dir, self.loopai.chosen) is not None:
                self.show_task(self.loopai.chosen)
        elif not self.opened.unsaved and self.opened.changed_on_disk():
            await self.read_again()

    async def read_again(self) -> None:
        """Show the file as it is on disk; undo comes back."""
        if self.opened is None:
            return
        try:
            self.opened.read_again()
        except LoopaiError as error:
            self.loopai.show_error(error)
            return
        self._conflict = False
        current = self.column.current
        await self.show_document()
        self.column.focus_block(current.index if current else 0)
        self.notify("The file was changed on disk; this is how it is now.", timeout=4)

    def _remember_position(self) -> None:
        current = self.column.current if self.is_mounted else None
        if self.opened is not None and current is not None:
            self._positions[str(self.opened.file)] = current.index

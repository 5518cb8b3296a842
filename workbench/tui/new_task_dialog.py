"""A form for a new task: from a file of rows, from a sample, or to be filled in by hand."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Footer, Input, Label, Select, SelectionList, Static
from textual.widgets.selection_list import Selection

from runtime.data_dir import DataDir, checked_slug
from runtime.errors import InvalidInputError, Problem
from runtime.tasks import write_task
from workbench.tui.file_suggester import FileSuggester
from workbench.tui.worker_failures import TellsFailures

OWN_FILE, BY_HAND = "a file of mine", "by hand, from an empty form"


class NewTaskDialog(TellsFailures, ModalScreen[str | None]):
    """Makes a task and answers with its name; None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Cancel"),
        Binding("ctrl+s", "make", "Make the task", priority=True),
    ]

    def __init__(self, data_dir: DataDir, *, sample: str | None, start: Path) -> None:
        super().__init__()
        self._data_dir = data_dir
        self._sample = sample
        self._start = start
        self._columns: list[str] = []

    def compose(self) -> ComposeResult:
        from workbench.tui.first_steps import SAMPLES

        kinds = [(OWN_FILE, OWN_FILE), (BY_HAND, BY_HAND)]
        kinds += [(f"the sample {name}", name) for name in SAMPLES]
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "New task"
            with VerticalScroll(id="new-task-form"):
                yield Label("Start from")
                yield Select(
                    kinds,
                    value=self._sample or OWN_FILE,
                    allow_blank=False,
                    compact=True,
                    id="new-kind",
                )
                yield Label("Name [$soft]small letters, digits and -[/$soft]")
                yield Input(self._sample or "", placeholder="returns", compact=True, id="new-name")
                with Vertical(id="new-file-fields"):
                    yield Label("File [$soft]CSV, TSV or JSON lines; → completes[/$soft]")
                    yield Input(
                        placeholder="returns.csv",
                        compact=True,
                        id="new-file",
                        suggester=FileSuggester(self._start),
                    )
                    yield Static("", id="new-file-found", classes="soft")
                    yield Label("Column to learn")
                    yield Select[str](
                        [], prompt="first name the file", compact=True, id="new-output"
                    )
                    yield Label("Learned from [$soft]space takes one out[/$soft]")
                    yield SelectionList[str](id="new-inputs", compact=True)
                yield Label("In words [$soft]what should the program do?[/$soft]")
                yield Input(
                    placeholder="Will this order be returned?", compact=True, id="new-words"
                )
            yield Static("", id="new-problem", classes="bad")
            with Horizontal(id="new-buttons"):
                yield Button("Make the task", variant="primary", id="new-make", compact=True)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._kind_changed()
        self.query_one("#new-make" if self._sample else "#new-kind").focus()

    @property
    def _kind(self) -> str:
        return str(self.query_one("#new-kind", Select).value)

    @on(Select.Changed, "#new-kind")
    def _kind_changed(self) -> None:
        kind = self._kind
        self.query_one("#new-file-fields").display = kind == OWN_FILE
        name = self.query_one("#new-name", Input)
        if kind not in (OWN_FILE, BY_HAND):
            name.value = kind

    @on(Input.Changed, "#new-file")
    def _file_changed(self, event: Input.Changed) -> None:
        path = self._path(event.value)
        if event.value and path.is_file():
            self._look_into(path)
        else:
            self._show_columns([], "")

    @work(thread=True, exclusive=True, group="columns", exit_on_error=False)
    def _look_into(self, path: Path) -> None:
        """Read the file's columns in the background."""
        from workbench.new_task import columns_of

        try:
            columns, rows = columns_of(path)
        except (InvalidInputError, OSError) as error:
            self.app.call_from_thread(self._show_columns, [], str(error))
            return
        self.app.call_from_thread(
            self._show_columns, columns, f"{rows:,} rows, {len(columns)} columns"
        )

    def _show_columns(self, columns: list[str], found: str) -> None:
        self._columns = columns
        self.query_one("#new-file-found", Static).update(Content(found))
        output = self.query_one("#new-output", Select)
        output.set_options([(column, column) for column in columns])
        if columns:
            output.value = columns[-1]
            name = self.query_one("#new-name", Input)
            if not name.value:
                stem = self._path(self.query_one("#new-file", Input).value).stem
                name.value = "-".join(stem.lower().replace("_", " ").split())

    @on(Select.Changed, "#new-output")
    def _output_changed(self, event: Select.Changed) -> None:
        inputs = self.query_one("#new-inputs", SelectionList)
        inputs.clear_options()
        rest = [column for column in self._columns if column != event.value]
        inputs.add_options(Selection(column, column, True) for column in rest)
        inputs.highlighted = 0 if rest else None

    @on(Button.Pressed, "#new-make")
    @on(Input.Submitted)
    def action_make(self) -> None:
        """Make the task as the form says."""
        self._make(
            self._kind,
            self.query_one("#new-name", Input).value.strip(),
            self.query_one("#new-words", Input).value.strip(),
            self._path(self.query_one("#new-file", Input).value),
            self.query_one("#new-output", Select).value,
            tuple(self.query_one("#new-inputs", SelectionList).selected),
        )

    @work(thread=True, exclusive=True, group="make", exit_on_error=False)
    def _make(
        self, kind: str, name: str, words: str, file: Path, output: object, inputs: tuple[str, ...]
    ) -> None:
        from workbench.new_task import from_rows, from_sample, from_template

        try:
            if not name:
                raise InvalidInputError("Give the task a name.")
            if self._data_dir.task_file(checked_slug(name)).exists():
                raise InvalidInputError(Problem(f"The task {name!r} is there already."))
            if kind == BY_HAND:
                from_template(self._data_dir, name, words)
            elif kind != OWN_FILE:
                from_sample(self._data_dir, kind, name)
            elif not isinstance(output, str):
                raise InvalidInputError("Name a file, and the column to learn.")
            else:
                write_task(self._data_dir, from_rows(name, words, file, output, inputs))
        except (InvalidInputError, OSError) as error:
            self.app.call_from_thread(self._say_problem, str(error))
            return
        self.app.call_from_thread(self.dismiss, name)

    def _say_problem(self, text: str) -> None:
        self.query_one("#new-problem", Static).update(Content(text))

    def _path(self, text: str) -> Path:
        return self._start / Path(text).expanduser()

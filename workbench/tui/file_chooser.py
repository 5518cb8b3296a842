"""Which file of records to open: those of the chosen task, or any other by its path."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Label, OptionList
from textual.widgets.option_list import Option

from runtime.data_dir import DataDir
from runtime.datasets.log_files import list_log_files
from workbench.tui.file_suggester import FileSuggester

VALIDATION_PREFIX = "sampled-"


def files_of(data_dir: DataDir, task: str) -> list[tuple[str, Path]]:
    """What kind of record each file of a task holds: newest executions first."""
    executions = list_log_files(data_dir.executions(task))
    validations = list_log_files(data_dir.validations(task), prefix=VALIDATION_PREFIX)
    found = [("executions", file.path) for file in reversed(executions)]
    found += [("validations", file.path) for file in reversed(validations)]
    if data_dir.examples_file(task).is_file():
        found.append(("examples", data_dir.examples_file(task)))
    return found


class FileChooser(ModalScreen[Path | None]):
    """Answers with the file to open."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def __init__(self, files: list[tuple[str, Path]], start: Path) -> None:
        super().__init__()
        self._files = files
        self._start = start

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Open a file of records"
            yield OptionList(*(Option(self._label(kind, path)) for kind, path in self._files))
            yield Label("Another file [$soft]JSON lines, may be .gz; → completes[/$soft]")
            yield Input(placeholder="orders.jsonl", compact=True, suggester=self._suggester())
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(OptionList if self._files else Input).focus()

    def _suggester(self) -> FileSuggester:
        return FileSuggester(self._start, (".jsonl", ".ndjson", ".gz", ".json"))

    def _label(self, kind: str, path: Path) -> Content:
        size = path.stat().st_size if path.exists() else 0
        return Content.assemble((kind.ljust(13), "$soft"), path.name.ljust(34), _bytes(size))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._files[event.option_index][1])

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(self._start / Path(event.value.strip()).expanduser())


def _bytes(size: int) -> str:
    for unit, divisor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= divisor:
            return f"{size / divisor:,.1f} {unit}"
    return f"{size} bytes"

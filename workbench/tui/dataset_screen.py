"""Records of any file: scroll, filter, search, sort, follow, and one of them in detail."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from runtime.errors import InvalidInputError, LoopaiError
from workbench.records.row_filter import RowFilter
from workbench.tui.file_chooser import FileChooser, files_of
from workbench.tui.open_file import OpenFile
from workbench.tui.record_detail import RecordDetail, prepare_highlighting
from workbench.tui.record_table import RecordTable
from workbench.tui.row_finding import RowFinding

FAILURES = "status!=success"
REFRESH_SECONDS = 0.15
REST_SECONDS = 0.06


class DatasetScreen(RowFinding):
    """The table over the whole width, the record under the cursor beside or below it."""

    AUTO_FOCUS = ""
    PLACE: ClassVar[str] = "dataset"
    CSS_PATH = "dataset_screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open", "Open"),
        Binding("f", "filter", "Filter"),
        Binding("x", "failures", "Failures"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("n", "next(1)", "Next match", show=False),
        Binding("N", "next(-1)", "Match before", show=False),
        Binding("s", "sort", "Sort"),
        Binding("t", "tail", "Tail"),
        Binding("l", "label", "Label"),
        Binding("escape", "clear", "All lines", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._of_task: str | None = None
        self._following = False
        self._resting: Timer | None = None

    def compose_body(self) -> ComposeResult:
        yield Static(id="records-line")
        yield Input(id="records-filter", compact=True)
        with Horizontal(id="records"):
            yield RecordTable(id="record-table")
            with VerticalScroll(id="record-side", classes="pane"):
                yield RecordDetail(id="record-detail")
        with VerticalScroll(id="no-records"):
            yield Static(id="no-records-text")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#records-filter").display = False
        self.query_one("#record-side").border_title = "Record"
        self.set_interval(REFRESH_SECONDS, self._take_growth)
        self.run_worker(prepare_highlighting, thread=True, group="prepare")

    def on_unmount(self) -> None:
        if self.opened_file:
            self.opened_file.close()

    def show_task(self, task: str | None) -> None:
        if task == self._of_task and self.opened_file:
            return
        self._of_task = task
        kept = (self.loopai.state.get("dataset") or {}) if self.opened_file is None else {}
        files = files_of(self.data_dir, task) if task else []
        path = Path(kept["file"]) if kept.get("task") == task and kept.get("file") else None
        if path is None or not path.is_file():
            path = files[0][1] if files else None
            kept = {}
        if path is None:
            self._show_nothing()
        else:
            self.open_file(path, cursor=kept.get("row", 0), query=kept.get("query", ""))
            self.wanted_sort, self.sorted_from = kept.get("sort", ""), kept.get("sorted_from", 0)

    def open_file(self, path: Path, *, cursor: int = 0, query: str = "") -> None:
        """Show a file's first rows now; index the rest in the background."""
        try:
            opened = OpenFile(path)
        except LoopaiError as error:
            self.loopai.show_error(error, "This file cannot be opened")
            return
        if self.opened_file:
            self.workers.cancel_group(self, "find")
            self.finding = False
            self.opened_file.close()
        self.opened_file, self.query_text, self.sorted_by = opened, "", ""
        self._following = False
        self.wanted_row, self.wanted_sort = cursor, ""
        self.run_worker(opened.work, thread=True, group="index", exit_on_error=False)
        self.query_one("#records").display = True
        self.query_one("#no-records").display = False
        table = self.query_one(RecordTable)
        table.border_title = path.name
        more = [each for _, each in self._files() if each != path]
        several = "s" * (len(more) > 1)
        table.border_subtitle = f"o opens {len(more)} more file{several}" if more else ""
        table.show_rows(opened.rows, opened.columns)
        table.focus()
        if query:
            self._filter_by(query)
        self.say()

    def _show_nothing(self) -> None:
        self.query_one("#records").display = False
        self.query_one("#no-records").display = True
        hint = (
            "Nothing was executed yet.\n\nServe the task with [bold $accent]r[/] in Tasks, "
            "or open any file of JSON lines with [bold $accent]o[/]."
            if self._of_task
            else "There is no task yet.\n\nMake one in Tasks, [bold $accent]1[/], or open any "
            "file of JSON lines with [bold $accent]o[/]."
        )
        self.query_one("#no-records-text", Static).update(hint)
        self.say()

    def _take_growth(self) -> None:
        """What has come in the background since the last look."""
        opened, table = self.opened_file, self.query_one(RecordTable)
        if opened is None or not self.is_current:
            return
        if opened.problem is not None:
            self.loopai.show_error(opened.problem, "This file is not read to its end")
            opened.problem = None
        was_at_end = table.at_end
        if opened.columns and not table.has_columns:
            table.show_rows(opened.rows, opened.columns)
        self.sort_again(opened)
        if table.take_growth():
            if self.wanted_row and not self.wanted_sort and table.count > self.wanted_row:
                table.cursor, self.wanted_row = self.wanted_row, 0
                table.to_cursor(centre=True)
            elif self._following and was_at_end:
                table.action_to_end()
        self.say()

    def say(self) -> None:
        """One line: which rows are shown, and how far the work in the background is."""
        opened, table = self.opened_file, self.query_one(RecordTable)
        if opened is None:
            self.query_one("#records-line", Static).update("")
            return
        at = f"{min(table.cursor + 1, table.count):,} of {table.count:,}"
        parts: list[Content | str | tuple[str, str]] = [at]
        if self.query_text:
            parts += [("   filter ", "$soft"), (self.query_text, "bold")]
            parts += [(f" in {opened.index.count:,} lines", "$soft")]
        if self.sorted_by:
            parts += [("   sorted by ", "$soft"), (self.sorted_by, "bold")]
        if self._following:
            parts.append(("   ● follows", "$success"))
        if self.finding:
            parts.append(("   searching …", "$warning"))
        if opened.share < 1.0:
            doing = "filtering" if opened.filtered else "counting lines"
            parts.append((f"   {doing} {opened.share:.0%}", "$warning"))
        self.query_one("#records-line", Static).update(Content.assemble(*parts), layout=False)

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        # Drawn once the cursor rests, so that a held key is never slowed by a long record.
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST_SECONDS, self._show_record)
        self.say()

    def _show_record(self) -> None:
        table, opened = self.query_one(RecordTable), self.opened_file
        side = self.query_one("#record-side")
        if opened and side.display and opened.rows.count > table.cursor:
            self.query_one(RecordDetail).show_line(opened.rows.line(table.cursor, 1 << 20))

    @on(RecordTable.Opened)
    def _toggle_detail(self) -> None:
        side = self.query_one("#record-side")
        side.display = not side.display
        self._show_record()

    def _files(self) -> list[tuple[str, Path]]:
        return files_of(self.data_dir, self._of_task) if self._of_task else []

    def action_open(self) -> None:
        """Open another file."""
        files = self._files()

        def chosen(path: Path | None) -> None:
            if path:
                self.open_file(path)

        self.app.push_screen(FileChooser(files, Path.cwd()), chosen)

    def action_filter(self) -> None:
        """Show only some lines: field=value, field>3, field~part, or words."""
        self._ask(
            "filter", self.query_text, "status=error latency_ms>5 input.text~prize, or any words"
        )

    def action_search(self) -> None:
        """Go to the next row that holds something; n and N go on."""
        self._ask("search", self.searched, "words, or field=value")

    def _ask(self, what: str, value: str, hint: str) -> None:
        field = self.query_one("#records-filter", Input)
        field.display = True
        field.border_title = what
        field.placeholder = f"{what}: {hint}"
        field.value = value
        field.focus()

    @on(Input.Submitted, "#records-filter")
    def _answered(self, event: Input.Submitted) -> None:
        event.input.display = False
        self.query_one(RecordTable).focus()
        if event.input.border_title == "filter":
            self._filter_by(event.value.strip())
        else:
            self.searched = event.value.strip()
            self.action_next(1)

    def _filter_by(self, query: str) -> None:
        if self.opened_file is None:
            return
        try:
            self.opened_file.filter_by(RowFilter(query) if query else None)
        except InvalidInputError as error:
            self.loopai.show_error(error, "This is no filter")
            return
        self.query_text, self.sorted_by, self.wanted_sort = query, "", ""
        self.query_one(RecordTable).show_rows(self.opened_file.rows, self.opened_file.columns)

    def action_failures(self) -> None:
        """Show errors and timeouts only; again shows all lines."""
        self._filter_by("" if self.query_text == FAILURES else FAILURES)

    def action_clear(self) -> None:
        """Back to all lines in file order."""
        field = self.query_one("#records-filter")
        if field.display:
            field.display = False
            self.query_one(RecordTable).focus()
        elif self.query_text or self.sorted_by:
            self._filter_by("")
        self.workers.cancel_group(self, "find")
        self.finding = False

    def action_tail(self) -> None:
        """Go to the end and stay there while lines come."""
        self._following = not self._following
        if self._following:
            self.query_one(RecordTable).action_to_end()
        self.say()

    def action_label(self) -> None:
        """Say of sampled executions whether they were right."""
        from workbench.tui.label_dialog import LabelDialog

        task = self.loopai.chosen
        if task is None:
            return

        def labelled(count: int | None) -> None:
            if count:
                self.notify(f"{count} labelled; they count from now on.")

        try:
            self.app.push_screen(LabelDialog(self.data_dir, task), labelled)
        except (LoopaiError, sqlite3.Error) as error:
            self.loopai.show_error(error, "The queue cannot be opened")

    def kept_state(self) -> dict[str, Any]:
        if self.opened_file is None:
            return {}
        return {
            "task": self._of_task,
            "file": str(self.opened_file.path),
            "query": self.query_text,
            "row": self.query_one(RecordTable).cursor,
            "sort": self.sorted_by,
            "sorted_from": self.sorted_from,
        }

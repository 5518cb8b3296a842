"""The first tab: every task with its state, accuracy and traffic; making, synthesizing, serving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static
from textual.worker import get_current_worker

from runtime.errors import LoopaiError, Problem
from workbench.tui import drawing
from workbench.tui.first_steps import FirstSteps
from workbench.tui.place_screen import PlaceScreen
from workbench.tui.tables import ListTable

# What reads the tasks takes a third of the app's start to load: it is loaded once the screen is
# drawn, which needs their names only.
if TYPE_CHECKING:
    from workbench.overview import TaskOverview, Traffic

COLUMNS = ("task", "state", "accuracy", "today", "alerts")
STATE_STYLES = {"serves": "$success", "rolls out": "$primary", "cannot be read": "$error"}


class TaskTable(ListTable):
    """All tasks, one a row."""

    HELP = """\
# Tasks

One row a task of this data directory. The highlighted task is the one that every tab shows.

- **state**: what it waits for: examples, synthesis, promotion; or the version that serves
- **accuracy**: of the version shown, on examples it had not seen when it was judged
- **today**: executions since midnight, UTC
- **alerts**: how many things want your attention; they are named at the side
"""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "Open")]


class TasksScreen(PlaceScreen):
    """Tasks at the left, the highlighted one at the side."""

    PLACE: ClassVar[str] = "tasks"
    CSS_PATH = "tasks_screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new_task", "New"),
        Binding("s", "synthesize", "Synthesize"),
        Binding("t", "try_input", "Try"),
        Binding("p", "promote", "Promote"),
        Binding("r", "serve", "Serve"),
        Binding("f5", "refresh", "Refresh", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, TaskOverview] = {}
        self._traffic: dict[str, Traffic] = {}

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="tasks"):
            table = TaskTable(COLUMNS, right=("accuracy", "today", "alerts"), id="task-table")
            table.border_title = "Tasks"
            yield table
            with VerticalScroll(id="task-side", classes="pane"):
                yield Static(id="task-details")
        yield FirstSteps(id="first-steps")

    def on_mount(self) -> None:
        super().on_mount()
        self._fill(self.data_dir.task_names())
        self.set_interval(self.loopai.settings.refresh_sec, self._look)

    def show_task(self, task: str | None) -> None:
        self.call_after_refresh(self._look)
        self._show_details()

    def action_refresh(self) -> None:
        """Read everything again."""
        self._look()

    def _look(self) -> None:
        if self.is_current:
            self._read()

    @work(thread=True, exclusive=True, group="overview", exit_on_error=False)
    def _read(self) -> None:
        """Read all tasks in the background: the small files first, then the logs of today."""
        from workbench.overview import overview, traffic_today

        worker = get_current_worker()
        names = self.data_dir.task_names()
        seen = {name: overview(self.data_dir, name) for name in names}
        self.app.call_from_thread(self._show, names, seen, self._traffic)
        traffic = {}
        for name in names:
            if worker.is_cancelled:
                return
            traffic[name] = traffic_today(self.data_dir, name, self.loopai.clock().date())
        self.app.call_from_thread(self._show, names, seen, traffic)

    def _show(
        self, names: list[str], seen: dict[str, TaskOverview], traffic: dict[str, Traffic]
    ) -> None:
        self._seen, self._traffic = seen, traffic
        if self.loopai.chosen not in names:
            self.loopai.open_task(names[0] if names else None)
        self._fill(names)
        self._show_details()

    def _fill(self, names: list[str]) -> None:
        """Bring the table up to date without moving the cursor from its task."""
        self.query_one("#tasks").display = bool(names)
        self.query_one(FirstSteps).display = not names
        table = self.query_one(TaskTable)
        table.show_rows({name: self._row(name) for name in names}, cursor=self.loopai.chosen)
        if names and self.focused is None:
            table.focus()
        elif not names and self.focused in (None, table):
            self.query_one(FirstSteps).focus_list()

    def _row(self, name: str) -> tuple[Content, ...]:
        item, traffic = self._seen.get(name), self._traffic.get(name)
        if item is None:
            return (Content(name), *(Content("…"),) * (len(COLUMNS) - 1))
        from workbench.overview import warnings_of

        warnings = warnings_of(item, traffic)
        today = "…" if traffic is None else drawing.short_number(traffic.executions)
        if traffic is not None and not traffic.counted:
            today = "many"
        return (
            Content(name),
            Content.styled(_state(item), STATE_STYLES.get(item.state, "$warning")),
            Content(drawing.percent(item.accuracy)),
            Content(today),
            Content.styled(str(len(warnings)), "$warning") if warnings else Content("-"),
        )

    def _show_details(self) -> None:
        name = self.loopai.chosen
        side = self.query_one("#task-side")
        if name is None or name not in self._seen:
            return
        from workbench.tui.task_details import task_details

        side.border_title = name
        width = max(30, side.container_size.width - 6)
        content = task_details(
            self._seen[name],
            self._traffic.get(name),
            width=min(width, 90),
            served=self.loopai.serving.address(name),
        )
        self.query_one("#task-details", Static).update(content)

    @on(DataTable.RowHighlighted, "#task-table")
    def _choose(self, event: DataTable.RowHighlighted) -> None:
        if event.row_key.value in self._seen:
            self.loopai.open_task(event.row_key.value)

    @on(DataTable.RowSelected, "#task-table")
    def _open(self, event: DataTable.RowSelected) -> None:
        self.loopai.open_task(event.row_key.value, "notebook")

    @on(FirstSteps.Chosen)
    def _first_step(self, event: FirstSteps.Chosen) -> None:
        self.action_new_task(event.sample)

    def action_new_task(self, sample: str | None = None) -> None:
        """Make a task from a file, a sample or by hand."""
        from workbench.tui.new_task_dialog import NewTaskDialog

        def made(name: str | None) -> None:
            if name:
                self.loopai.open_task(name)
                self._look()

        self.app.push_screen(NewTaskDialog(self.data_dir, sample=sample, start=Path.cwd()), made)

    def action_synthesize(self) -> None:
        """Make a program from the examples of the highlighted task."""
        from workbench.tui.synthesis_dialog import SynthesisDialog

        if name := self._named():
            model = self.loopai.state.get("model")
            dialog = SynthesisDialog(name, self.data_dir, model)
            self.app.push_screen(dialog, lambda _: self._look())

    def action_try_input(self) -> None:
        """Run a version of the highlighted task on an input, in the sandbox."""
        from workbench.tui.try_dialog import TryDialog

        name = self._named()
        if name and (item := self._seen.get(name)) and item.task:
            if item.newest is None:
                self.loopai.show_error(_no_version(name), "Nothing to try yet")
            else:
                version = item.active or item.newest
                self.app.push_screen(TryDialog(item.task, version, self.data_dir))

    def action_promote(self) -> None:
        """Make the newest version the one that serves; other versions stand in their tab."""
        name = self._named()
        item = self._seen.get(name or "")
        if name is None or item is None:
            return
        if item.newest is None:
            self.loopai.show_error(_no_version(name), "Nothing to promote yet")
        elif item.active == item.newest:
            self.notify(f"{name} serves its newest version, v{item.newest}, already.")
        else:
            self._promote(name, item.newest)

    @work(thread=True, group="promote", exit_on_error=False)
    def _promote(self, name: str, version: int) -> None:
        from runtime.artifacts import ArtifactStore

        ArtifactStore(self.data_dir).activate(name, version, reason="promoted in the app")
        self.app.call_from_thread(self.notify, f"{name} now serves v{version}.")
        self.app.call_from_thread(self._look)

    def action_serve(self) -> None:
        """Serve the highlighted task over HTTP while the app is open; again stops it."""
        if name := self._named():
            self._serve(name)

    @work(group="serve", exit_on_error=False)
    async def _serve(self, name: str) -> None:
        serving = self.loopai.serving
        if serving.address(name):
            await serving.stop(name)
            self.notify(f"{name} is no longer served.")
        else:
            self.notify(f"Starting a runtime for {name} …", timeout=3)
            url = await serving.start(name)
            self.notify(f"{url}/v1/execute/{name}", title=f"{name} is served", timeout=8)
        self._show_details()

    def _named(self) -> str | None:
        if self.loopai.chosen is None:
            self.notify("Make a task first: n", severity="warning")
        return self.loopai.chosen

    def kept_state(self) -> dict[str, Any]:
        return {"task": self.loopai.chosen}


def _state(item: TaskOverview) -> str:
    version = item.rolling_out or item.active
    return f"{item.state} v{version}" if version else item.state


def _no_version(name: str) -> LoopaiError:
    return LoopaiError(Problem(f"{name} has no version yet.", remedy="Press s to make one."))

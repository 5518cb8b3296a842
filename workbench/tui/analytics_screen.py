"""How a task does: latency, throughput, answers, agreement and drift, from its log."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static
from textual.worker import get_current_worker

from runtime.datasets.log_files import list_log_files
from workbench.report.facts import Facts, gather
from workbench.tui import analytics_views as views
from workbench.tui.browser import open_in_browser
from workbench.tui.child_command import run_to_json
from workbench.tui.place_screen import PlaceScreen

PANELS: dict[str, tuple[str, Callable[[Facts, int], Content]]] = {
    "throughput": ("Executions over time", views.throughput),
    "latency": ("p99 latency over time, ms", views.latency),
    "outputs": ("Answers", views.output_mix),
    "agreement": ("Versions", views.agreement),
    "drift": ("Drift from the examples", views.drift),
    "failures": ("Failures", views.failures),
    "days": ("Days", views.days),
}
DAYS = (1, 7, 30, 90)
# A longer log is counted again only when asked for.
MAX_LIVE_BYTES = 50_000_000


class Panels(VerticalScroll):
    """The scrolling part."""

    HELP = """\
# Analytics

Figures of the last days, from the log. **w** changes how many days, **o** opens the whole
report in a browser: one page that needs no network.
"""


class AnalyticsScreen(PlaceScreen):
    """Figures above, panels in one, two or three columns below."""

    AUTO_FOCUS = ""
    PLACE: ClassVar[str] = "analytics"
    CSS_PATH = "analytics_screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open_report", "Report in browser"),
        Binding("w", "window", "Days"),
        Binding("f5", "refresh", "Count again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._facts: Facts | None = None
        self._counted: tuple[Any, ...] = ()
        self._days = 0

    def compose_body(self) -> ComposeResult:
        yield Horizontal(id="tiles")
        with Panels(id="panels"), Grid(id="panel-grid"):
            for name, (title, _) in PANELS.items():
                with Vertical(id=f"panel-{name}", classes="pane panel") as pane:
                    pane.border_title = title
                    yield Static()
        with Vertical(id="no-figures"):
            yield Static(id="no-figures-text")

    def on_mount(self) -> None:
        super().on_mount()
        kept = (self.loopai.state.get("analytics") or {}).get("days")
        self._days = kept if kept in DAYS else self.loopai.settings.days
        self.set_interval(self.loopai.settings.refresh_sec, self._look)

    def show_task(self, task: str | None) -> None:
        self._look()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def action_refresh(self) -> None:
        """Count the log again."""
        self._counted = ()
        self._look()

    def action_window(self) -> None:
        """Show another number of days."""
        larger = [days for days in DAYS if days > self._days]
        self._days = larger[0] if larger else DAYS[0]
        self._look()

    def _look(self) -> None:
        if self.is_current:
            self._read(self.loopai.chosen)

    @work(thread=True, exclusive=True, group="facts", exit_on_error=False)
    def _read(self, task: str | None) -> None:
        """Count in the background, and only when the log has grown."""
        worker = get_current_worker()
        if task is None:
            self.app.call_from_thread(self._show, None, None)
            return
        files = list_log_files(self.data_dir.executions(task))
        sizes = sum(file.path.stat().st_size for file in files)
        key = (task, self._days, sizes if sizes < MAX_LIVE_BYTES else None)
        if key == self._counted:
            return
        if self._facts is None or self._facts.task.name != task:
            self.app.call_from_thread(self._say, f"Counting the executions of {task} …")
        facts = gather(self.data_dir, task, self._days, self.loopai.clock)
        if not worker.is_cancelled:
            self._counted = key
            self.app.call_from_thread(self._show, facts, task)

    def _show(self, facts: Facts | None, task: str | None) -> None:
        self._facts = facts
        if task is None:
            self._say("There is no task yet. Make one in Tasks, [bold $accent]1[/].")
        elif facts is None or not facts.figures["executions"]:
            self._say(
                f"[bold]{task}[/] was not executed in the last {self._days} days.\n\n"
                "Serve it in Tasks with [bold $accent]r[/]; [bold $accent]w[/] looks further back."
            )
        else:
            self._draw()

    def _say(self, text: str) -> None:
        for name in ("#tiles", "#panels"):
            self.query_one(name).display = False
        self.query_one("#no-figures").display = True
        self.query_one("#no-figures-text", Static).update(text)

    def _draw(self) -> None:
        facts = self._facts
        if facts is None or not facts.figures["executions"]:
            return
        for name in ("#tiles", "#panels"):
            self.query_one(name).display = True
        self.query_one("#no-figures").display = False
        self._draw_tiles(facts)
        columns = 1 if self.size.width < 110 else 2 if self.size.width < 190 else 3
        grid = self.query_one("#panel-grid", Grid)
        grid.styles.grid_size_columns = columns
        self.query_one("#panel-days").styles.column_span = 2 if columns == 2 else 1
        width = (self.size.width - 4) // columns - 6
        for name, (_, draw) in PANELS.items():
            self.query_one(f"#panel-{name} Static", Static).update(draw(facts, width))
        panels = self.query_one("#panels")
        if self.focused is None:
            panels.focus()

    def _draw_tiles(self, facts: Facts) -> None:
        box = self.query_one("#tiles")
        shown = views.tiles(facts)
        if len(box.children) != len(shown) + 1:
            box.remove_children()
            box.mount(*(Static(classes="tile") for _ in range(len(shown) + 1)))
        for tile, (name, value, style) in zip(box.query(Static), shown, strict=False):
            tile.update(Content.assemble((value, f"bold {style}"), "\n", (name, "$soft")))
        days = "today" if self._days == 1 else f"last {self._days} days"
        box.query(Static).last().update(Content.assemble((days, "bold"), "\n", ("window", "$soft")))

    def action_open_report(self) -> None:
        """Write the report as one HTML page and open it in a browser."""
        if self.loopai.chosen:
            self.notify("Writing the report …", timeout=3)
            self._report(self.loopai.chosen)

    @work(exclusive=True, group="report", exit_on_error=False)
    async def _report(self, task: str) -> None:
        file = Path(tempfile.mkdtemp(prefix="loopai-report-")) / f"{task}.html"
        arguments = ["report", task, "--output", str(file), "--days", str(self._days)]
        arguments += ["--data-dir", str(self.data_dir.root)]
        await run_to_json(arguments, lambda line: None)
        if self.app.is_web:
            self.app.deliver_binary(file, open_method="browser", mime_type="text/html")
        elif await open_in_browser(file):
            self.notify(str(file), title="The report is open in a browser")
        else:
            self.notify(
                str(file),
                title="The report is written; no browser was found",
                severity="warning",
                timeout=30,
            )

    def kept_state(self) -> dict[str, Any]:
        return {"days": self._days}

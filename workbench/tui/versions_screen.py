"""A task's versions: their figures, source, what changed, promotion and its rollout."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import ContentSwitcher, DataTable, Static, TextArea
from textual.worker import get_current_worker

from runtime.artifact_files import without_launcher
from runtime.artifacts import ArtifactStore
from runtime.rollout.document import read_rollout
from runtime.tasks import load_task
from workbench.commands.versions import version_rows
from workbench.side_by_side import side_by_side
from workbench.tui import drawing, version_views
from workbench.tui.child_command import run_to_json
from workbench.tui.diff_view import DiffView, coloured, lines_of
from workbench.tui.promotion import Promotion
from workbench.tui.tables import ListTable
from workbench.tui.themes import code_style

COLUMNS = ("version", "status", "strategy", "accuracy", "95 % interval", "p99 ms", "bytes", "made")
STATUS_STYLES = {"active": "$success", "draft": "$warning", "deprecated": "$soft"}
VIEWS = {
    "evaluation": "e",
    "source": "c",
    "diff": "d",
    "behaviour": "b",
    "rollout": "o",
    "history": "h",
}
RIGHT = ("accuracy", "p99 ms", "bytes")
#: So many of the newest executions are answered by both versions too.
LOGGED = "500"


#: Letters that all columns need.
ROOMY = 100


class VersionTable(ListTable):
    """Versions, newest first."""

    HELP = """\
# Versions

One row a version; a version never changes. **m** marks the one that `diff` and `behaviour`
compare the highlighted version with; without a mark it is the active one.
"""


class VersionsScreen(Promotion):
    """The versions above, one view of the highlighted one below."""

    AUTO_FOCUS = ""
    PLACE: ClassVar[str] = "versions"
    CSS_PATH = "versions_screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "mark", "Mark"),
        *(Binding(key, f"view('{name}')", name.capitalize()) for name, key in VIEWS.items()),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view = "evaluation"
        self._marked: int | None = None
        self._shown: tuple[Any, ...] = ()

    def compose_body(self) -> ComposeResult:
        with Vertical(id="versions"):
            table = VersionTable(COLUMNS, right=RIGHT, id="version-table")
            table.border_title = "Versions"
            yield table
            with ContentSwitcher(initial="version-text", id="version-view"):
                with VerticalScroll(id="version-text", classes="pane"):
                    yield Static(id="version-words")
                source = TextArea.code_editor(
                    "", language="python", read_only=True, id="version-source", classes="pane"
                )
                source.cursor_blink = False
                yield source
                yield DiffView(id="version-diff")
        with Vertical(id="no-versions"):
            yield Static(id="no-versions-text")

    def on_mount(self) -> None:
        super().on_mount()
        kept = self.loopai.state.get("versions") or {}
        if kept.get("view") in VIEWS:
            self._view = kept["view"]
        self.set_interval(self.loopai.settings.refresh_sec, self.look)
        # Source is drawn in the colours of the theme.
        self.watch(self.app, "theme", self.look, init=False)

    def show_task(self, task: str | None) -> None:
        self._marked = None
        self._shown = ()
        self.look()

    def look(self) -> None:
        if self.is_current and self.loopai.chosen:
            self._read(self.loopai.chosen)
        elif self.is_current:
            self._show_table({}, None)

    @work(thread=True, exclusive=True, group="versions", exit_on_error=False)
    def _read(self, task: str) -> None:
        worker = get_current_worker()
        rows = version_rows(ArtifactStore(self.data_dir), task)
        shown = {str(row["version"]): row for row in reversed(rows)}
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show_table, shown, task)

    def _show_table(self, rows: dict[str, dict[str, Any]], task: str | None) -> None:
        self.query_one("#versions").display = bool(rows)
        self.query_one("#no-versions").display = not rows
        if not rows:
            hint = (
                f"[bold]{task}[/] has no version yet.\n\nMake one in Tasks, [bold $accent]1[/], "
                "with [bold $accent]s[/]."
                if task
                else "There is no task yet. Make one in Tasks, [bold $accent]1[/]."
            )
            self.query_one("#no-versions-text", Static).update(hint)
            return
        table = self.query_one(VersionTable)
        # Where there is little room, the interval is read in the evaluation below.
        out = COLUMNS.index("95 % interval") if self.size.width < ROOMY else len(COLUMNS)
        table.name_columns(COLUMNS[:out] + COLUMNS[out + 1 :])
        cells = {key: self._row(row) for key, row in rows.items()}
        table.show_rows({key: row[:out] + row[out + 1 :] for key, row in cells.items()})
        if self.focused is None:
            table.focus()
        self._show_view()

    def _row(self, row: dict[str, Any]) -> tuple[Content, ...]:
        mark = "◆ " if row["version"] == self._marked else ""
        interval = " to ".join(f"{bound:.1%}" for bound in row["interval"] or ())
        return (
            Content(f"{mark}v{row['version']}"),
            Content.styled(row["status"], STATUS_STYLES.get(row["status"], "")),
            Content(row["strategy"]),
            Content(drawing.percent(row["accuracy"])),
            Content(interval or "-"),
            Content(drawing.milliseconds(row["p99_ms"])),
            Content(f"{row['bytes']:,}"),
            Content(row["created_at"][:16].replace("T", " ")),
        )

    @property
    def version(self) -> int | None:
        key = self.query_one(VersionTable).highlighted_key
        return int(key) if key else None

    @on(DataTable.RowHighlighted, "#version-table")
    def _highlighted(self) -> None:
        self._show_view()

    def action_view(self, name: str) -> None:
        """Show the evaluation, source, diff, behaviour, rollout or history below."""
        self._view = name
        self._show_view()

    def view_rollout(self) -> None:
        self._view = "rollout"

    def action_mark(self) -> None:
        """Mark the highlighted version as what others are compared with."""
        self._marked = None if self._marked == self.version else self.version
        self.look()

    def _compared_with(self, task: str, version: int) -> int | None:
        """The marked version, else the active one, else the one before."""
        store = ArtifactStore(self.data_dir)
        before = [known for known in store.versions(task) if known < version]
        for known in (self._marked, store.active(task), before[-1] if before else None):
            if known is not None and known != version:
                return known
        return None

    def _show_view(self) -> None:
        """Bring the lower half up to date; what has not changed is not read again."""
        task, version = self.loopai.chosen, self.version
        if task is None or version is None:
            return
        switcher = self.query_one(ContentSwitcher)
        wanted = {"source": "version-source", "diff": "version-diff"}
        switcher.current = wanted.get(self._view, "version-text")
        key = (task, version, self._view, self._marked, self.size.width, self.app.theme)
        if key == self._shown and self._view not in ("rollout", "history"):
            return
        if key != self._shown and self._view == "behaviour":
            self._say("Runs both versions on every example …")
        self._shown = key
        self._load(task, version, self._view)

    @work(thread=True, exclusive=True, group="view", exit_on_error=False)
    def _load(self, task: str, version: int, view: str) -> None:
        """Read what a view needs in the background, and show it."""
        store = ArtifactStore(self.data_dir)
        tell = self.app.call_from_thread
        room = max(40, self.size.width - 6)
        if view == "evaluation":
            target = load_task(self.data_dir, task, with_examples=False).accuracy_target
            metadata = store.metadata(task, version)
            tell(self._say, version_views.evaluation_view(metadata, target, room))
        elif view == "source":
            tell(self._show_source, without_launcher(store.program_source(task, version)), version)
        elif view == "history":
            tell(self._say, version_views.history_view(store.history(task)))
        elif view == "rollout":
            rollout = read_rollout(self.data_dir, task)
            moment = self.loopai.clock()
            tell(self._say, version_views.rollout_view(rollout, room, moment))
        else:
            other = self._compared_with(task, version)
            if other is None:
                tell(self._say_alone)
            elif view == "diff":
                sources = [
                    without_launcher(store.program_source(task, known))
                    for known in (other, version)
                ]
                rows = side_by_side(*(lines_of(text) for text in sources))
                lines = [coloured(text, code_style(self.app.current_theme)) for text in sources]
                tell(self._show_diff, rows, lines, other, version)
            else:
                tell(self._compare, task, other, version)

    def _compare(self, task: str, old: int, new: int) -> None:
        self._behaviour(task, old, new)

    @work(exclusive=True, group="behaviour", exit_on_error=False)
    async def _behaviour(self, task: str, old: int, new: int) -> None:
        arguments = ["diff", task, f"v{old}", f"v{new}", "--executions", LOGGED]
        arguments += ["--data-dir", str(self.data_dir.root)]
        data = await run_to_json(arguments, lambda line: None)
        if self._view == "behaviour" and self.version == new:
            room = self.size.width - 6
            self._say(version_views.behaviour_view(data, old, new, room))

    def _say(self, content: Content | str) -> None:
        if self._view not in ("source", "diff"):
            self.query_one("#version-text").border_title = self._title()
            self.query_one("#version-words", Static).update(content)

    def _say_alone(self) -> None:
        """There is nothing to compare with, which the view for words says."""
        self.query_one(ContentSwitcher).current = "version-text"
        self.query_one("#version-text").border_title = self._title()
        text = "There is no other version to compare with."
        self.query_one("#version-words", Static).update(text)

    def _title(self) -> str:
        return f"{self._view.capitalize()}, v{self.version}"

    def _show_source(self, text: str, version: int) -> None:
        source = self.query_one("#version-source", TextArea)
        source.border_title = f"Source of v{version}"
        if source.text != text:
            source.text = text

    def _show_diff(self, rows: Any, lines: list[Any], old: int, new: int) -> None:
        view = self.query_one(DiffView)
        same = all(row.change in ("same", "folded") for row in rows)
        view.border_title = f"v{old} → v{new}" + (", the same source" if same else "")
        view.show_rows(rows, *lines)

    def kept_state(self) -> dict[str, Any]:
        return {"view": self._view}

"""Local language models: those of an Ollama server, or none, which is enough for all the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable, ProgressBar, Static
from textual.worker import get_current_worker

from runtime.config import load_deployment
from runtime.data_dir import DataDir
from runtime.errors import InvalidInputError, LoopaiError, Problem
from runtime.tasks import load_task
from workbench.tui.ask import Ask
from workbench.tui.confirm import Confirm
from workbench.tui.place_screen import PlaceScreen
from workbench.tui.tables import ListTable

COLUMNS = ("model", "parameters", "quantization", "size", "changed", "used")
SUGGESTED = "qwen2.5-coder:3b"
EMBEDDED = """\
[bold]No model server answers{address}.[/]

That is fine. Four strategies make programs from examples alone, and nothing \
leaves this machine.

With [bold]Ollama[/] a local model can also write programs and judge answers. Start it, and its \
models are listed here: [bold $accent]f5[/] looks again."""
NO_MODELS = """\
The server at {address} has no model yet.

[bold $accent]n[/] gets one; {suggested} is small and writes code."""


class ModelTable(ListTable):
    """The models of the server."""

    HELP = """\
# Models

The language models of the local server. None is needed; **used** says whether the configuration
lets synthesis ask one.
"""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "Use for synthesis")]


class ModelsScreen(PlaceScreen):
    """A table of models, or what embedded mode means."""

    AUTO_FOCUS = ""
    PLACE: ClassVar[str] = "models"
    CSS_PATH = "models_screen.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "pull", "Get a model"),
        Binding("delete", "remove", "Remove"),
        Binding("c", "cancel", "Cancel"),
        Binding("f5", "refresh", "Look again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._asked = False
        self._address = ""
        #: Whether the server answered, and had a model.
        self._reached = self._listed = False
        self._judges: dict[str, str] = {}
        #: What was got last, until the list shows it.
        self._got: str | None = None

    def compose_body(self) -> ComposeResult:
        with Vertical(id="models"):
            table = ModelTable(COLUMNS, right=("size",), id="model-table")
            table.border_title = "Models"
            yield table
        with Vertical(id="no-models"), Vertical(classes="pane") as box:
            box.border_title = "Embedded mode"
            yield Static("Looking for a model server …", id="no-models-text")
        with Vertical(id="pull", classes="pane") as pane:
            pane.border_title = "Getting a model"
            yield Static(id="pull-text")
            yield ProgressBar(id="pull-bar", show_eta=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#models").display = False
        self.query_one("#pull").display = False

    def show_task(self, task: str | None) -> None:
        if not self._asked:
            self._asked = True
            self._list()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel":
            return bool(self.query("#pull")) and self.query_one("#pull").display
        if action in ("remove", "pull"):
            wanted = self._reached if action == "pull" else self._listed
            return wanted or not self.is_mounted
        return True

    def action_refresh(self) -> None:
        """Ask the server again."""
        self._list()

    @work(thread=True, exclusive=True, group="models", exit_on_error=False)
    def _list(self) -> None:
        """Ask the server in the background: it may be slow, or not there."""
        worker = get_current_worker()
        config = load_deployment(self.data_dir.deployment_file)
        try:
            from workbench.language_model.server import OllamaServer

            server = OllamaServer.configured(config)
            self._address = server.address
            rows: list[dict[str, Any]] | None = server.models()
        except InvalidInputError as error:
            rows = None
            self.app.call_from_thread(self.loopai.show_error, error, "The address is wrong")
        except LoopaiError as error:
            rows = None
            self.log(f"no model server: {error}")
        used = config.text("synthesis", "model")
        self._judges = models_that_judge(self.data_dir)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show, rows, used)

    def _show(self, rows: list[Mapping[str, Any]] | None, used: str | None) -> None:
        self._reached, self._listed = rows is not None, bool(rows)
        self.query_one("#models").display = bool(rows)
        self.query_one("#no-models").display = not rows
        self.refresh_bindings()
        if rows:
            table = self.query_one(ModelTable)
            table.border_title = f"Models of {self._address}"
            shown = {row["name"]: self._row(row, used) for row in rows}
            table.show_rows(shown, cursor=self._got if self._got in shown else None)
            self._got = None
            if self.focused is None:
                table.focus()
            return
        text = (
            EMBEDDED.format(address=f" at {self._address}" if self._address else "")
            if rows is None
            else NO_MODELS.format(address=self._address, suggested=SUGGESTED)
        )
        self.query_one("#no-models-text", Static).update(text)

    def _row(self, row: Mapping[str, Any], used: str | None) -> tuple[Content, ...]:
        chosen = row["name"] == (self.loopai.state.get("model") or used)
        judged = [task for task, model in self._judges.items() if model == row["name"]]
        uses = ["synthesis"] if chosen else []
        uses += [f"judges {task}" for task in judged]
        return (
            Content(row["name"]),
            Content(str(row["parameters"] or "-")),
            Content(str(row["quantization"] or "-")),
            Content(f"{row['bytes'] / 1e9:.1f} GB"),
            Content((row["modified_at"] or "")[:10]),
            Content.styled(", ".join(uses), "$success") if uses else Content("-"),
        )

    def action_pull(self) -> None:
        """Get a model onto the server."""

        def named(model: str | None) -> None:
            if model:
                self._pull(model)

        self.app.push_screen(
            Ask("Get a model", "Its name on the server's registry", SUGGESTED), named
        )

    @work(thread=True, exclusive=True, group="pull", exit_on_error=False)
    def _pull(self, model: str) -> None:
        from workbench.language_model.server import OllamaServer

        worker = get_current_worker()
        tell = self.app.call_from_thread

        def step(status: str, completed: int, total: int) -> None:
            if worker.is_cancelled:
                raise LoopaiError(Problem(f"{model} was not got: it was cancelled."))
            tell(self._show_pull, f"{model}: {status}", completed, total)

        tell(self._show_pull, f"{model}: asking", 0, 0)
        try:
            OllamaServer.configured(load_deployment(self.data_dir.deployment_file)).pull(
                model, step
            )
            self._got = model
            tell(self.notify, f"{model} is there; enter uses it for synthesis.")
        finally:
            tell(self._end_pull)

    def _show_pull(self, text: str, completed: int, total: int) -> None:
        self.query_one("#pull").display = True
        self.query_one("#pull-text", Static).update(Content(text))
        self.query_one(ProgressBar).update(total=total or None, progress=completed)
        self.refresh_bindings()

    def _end_pull(self) -> None:
        self.query_one("#pull").display = False
        self.refresh_bindings()
        self._list()

    def action_cancel(self) -> None:
        """Give up getting a model; what has come is kept by the server for the next time."""
        self.workers.cancel_group(self, "pull")
        self.notify("Given up; the server goes on from what has come the next time.")

    @on(DataTable.RowSelected, "#model-table")
    def _use(self) -> None:
        """Let syntheses in the app ask the highlighted model; again lets them ask none."""
        model = self.query_one(ModelTable).highlighted_key
        if model is None:
            return
        again = self.loopai.state.get("model") == model
        self.loopai.state.put("model", None if again else model)
        told = "no model" if again else model
        self.notify(f"Syntheses in the app ask {told} from now on.")
        self._list()

    def action_remove(self) -> None:
        """Delete the highlighted model from the server."""
        model = self.query_one(ModelTable).highlighted_key
        if model is None:
            return

        def sure(reason: str | None) -> None:
            if reason is not None:
                self._remove(model)

        question = f"{model} is deleted from the server; it can be got again."
        self.app.push_screen(Confirm("Remove a model", question, "Remove", reason=False), sure)

    @work(thread=True, group="models-change", exit_on_error=False)
    def _remove(self, model: str) -> None:
        from workbench.language_model.server import OllamaServer

        OllamaServer.configured(load_deployment(self.data_dir.deployment_file)).remove(model)
        if self.loopai.state.get("model") == model:
            self.loopai.state.put("model", None)
        self.app.call_from_thread(self.notify, f"{model} is gone.")
        self.app.call_from_thread(self._list)


def models_that_judge(data_dir: DataDir) -> dict[str, str]:
    """The model that judges each task's answers, of the tasks that have one."""
    found = {}
    for name in data_dir.task_names():
        try:
            oracles = load_task(data_dir, name, with_examples=False).validation.oracles
        except LoopaiError:
            continue  # the Tasks screen says what is wrong with it
        models = [oracle.model for oracle in oracles if oracle.model]
        if models:
            found[name] = models[0]
    return found

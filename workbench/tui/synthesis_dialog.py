"""Synthesis from the app: what each strategy is doing, since when, and what came of it.

The work is done by `loopai synthesize` in a process of its own, so that no key press waits.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from runtime.artifacts import ArtifactStore
from runtime.data_dir import DataDir
from runtime.models import Strategy
from workbench.commands.notebook_progress import time_left
from workbench.synthesis.done_share import DoneShare, told
from workbench.tui.child_command import run_to_json
from workbench.tui.worker_failures import TellsFailures

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class SynthesisDialog(TellsFailures, ModalScreen[int | None]):
    """Runs one synthesis; answers with the new version, or None when there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close"),
        Binding("c", "cancel", "Cancel"),
        Binding("p", "promote", "Promote"),
    ]

    def __init__(self, task: str, data_dir: DataDir, model: str | None = None) -> None:
        super().__init__()
        self._of = task
        self._data_dir = data_dir
        self._model = model
        self._doing: dict[str, str] = dict.fromkeys((each.value for each in Strategy), "waits")
        self._started = time.monotonic()
        self._done = DoneShare()
        #: When it is thought to end, as `time.monotonic` counts; None while nobody can tell.
        self._ends: float | None = None
        self._result: Mapping[str, Any] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = f"Synthesize {self._of}"
            with VerticalScroll(id="synthesis-body"):
                yield Static(id="synthesis-progress")
                yield Static(id="synthesis-result")
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._timer = self.set_interval(0.1, self._show_progress)
        self._work()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel":
            return self._result is None
        if action == "promote":
            return self._result is not None
        return True

    @work(group="synthesis", exit_on_error=False)
    async def _work(self) -> None:
        arguments = ["synthesize", self._of, "--data-dir", str(self._data_dir.root)]
        arguments += ["--model", self._model] if self._model else []
        try:
            self._result = await run_to_json(arguments, self._hear)
        except Exception as error:
            self._timer.stop()
            self.app.call_later(self.loopai_error, error)
            self.dismiss(None)
            return
        self._timer.stop()
        self._show_progress()
        self._show_result(self._result)
        self.refresh_bindings()

    def loopai_error(self, error: BaseException) -> None:
        """Hand a failure to the app, whose notice outlives this dialog."""
        from workbench.tui.app import LoopaiApp

        assert isinstance(self.app, LoopaiApp)
        self.app.show_error(error, f"No program for {self._of}")

    def _hear(self, line: str) -> None:
        """A line of progress: `   1.2 s  rule: judging its rules`."""
        who, what = told(line)
        self._done.hear(who, what)
        if what and who in self._doing and not _ended(self._doing[who]):
            self._doing[who] = what
        seconds = time.monotonic() - self._started
        share = self._done.share
        self._ends = None if share is None else self._started + seconds / share

    def _show_progress(self) -> None:
        seconds = time.monotonic() - self._started
        done = self._result is not None
        turn = " " if done else SPINNER[int(seconds * 10) % len(SPINNER)]
        parts: list[Content | str | tuple[str, str]] = []
        for name, what in self._doing.items():
            waits = what == "waits"
            mark, style = (
                ("✓", "$success") if _ended(what) else ("·", "$soft") if waits else (turn, "")
            )
            parts += [(f"{mark} ", style), (name.ljust(8), "bold"), what, "\n"]
        words = f"\n{seconds:.0f} s"
        if not done and self._ends is not None:
            left = max(1.0, self._ends - time.monotonic())
            words += f", about {time_left(left)} left"
        parts.append((words + ("" if done else ", in the background"), "$soft"))
        self.query_one("#synthesis-progress", Static).update(Content.assemble(*parts))

    def _show_result(self, result: Mapping[str, Any]) -> None:
        roomy = self.app.size.width >= 100
        room = 38 if roomy else 16
        parts: list[Content | str | tuple[str, str]] = [
            (f"Stored as v{result['version']}. ", "bold $success"),
            ("p", "bold $accent"),
            " makes it the one that serves.\n\n",
            ("  program".ljust(room + 12) + "accuracy   95 % interval", "$soft"),
            ("     p99 ms    bytes\n" if roomy else "\n", "$soft"),
        ]
        for row in result["candidates"]:
            line = f"{row['strategy']:8} {row['label'][:room]:{room}} {row['accuracy']:>9.1%}   "
            line += f"{row['low']:.1%} to {row['high']:.1%}".ljust(18)
            line += f"{row['p99_ms']:>9.3f} {row['bytes']:>8,}" if roomy else ""
            parts.append(("● " if row["chosen"] else "  ", "$success"))
            parts.append((line + "\n", "bold" if row["chosen"] else ""))
        parts += ["\n", result["explanation"], "\n"]
        for warning in result["warnings"]:
            parts += [("▲ ", "$warning"), warning, "\n"]
        self.query_one("#synthesis-result", Static).update(Content.assemble(*parts))

    def action_leave(self) -> None:
        """Close; a synthesis under way is cancelled."""
        self.dismiss(self._result["version"] if self._result else None)

    def action_cancel(self) -> None:
        """Give the synthesis up; nothing is stored."""
        self.app.notify("The synthesis was cancelled; nothing was stored.", severity="warning")
        self.dismiss(None)

    @work(thread=True, exit_on_error=False)
    def action_promote(self) -> None:
        """Make the new version the one that serves."""
        assert self._result is not None
        version = self._result["version"]
        ArtifactStore(self._data_dir).activate(
            self._of, version, reason="promoted in the app after its synthesis"
        )
        self.app.call_from_thread(self.app.notify, f"{self._of} now serves v{version}.")
        self.app.call_from_thread(self.dismiss, version)


def _ended(what: str) -> bool:
    """Whether a strategy has said its last; small edits are tried of the chosen one after that."""
    return what.endswith(" right") or what.startswith("not used")

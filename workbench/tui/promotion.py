"""What a person does with a version: promote it at once or in stages, go back, steer a rollout.

Each asks first; the work is that of `loopai promote`, `rollback` and `rollout`.
"""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from runtime.artifacts import ArtifactStore
from runtime.errors import LoopaiError
from runtime.rollout import control
from runtime.rollout.document import read_rollout
from workbench.tui.choice import Choice
from workbench.tui.confirm import Confirm
from workbench.tui.place_screen import PlaceScreen

AT_ONCE, STAGED = "at once, for every caller", "in stages, and back by itself when it is worse"


class Promotion(PlaceScreen):
    """The part of the Versions screen that changes what serves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "promote", "Promote"),
        Binding("u", "roll_back", "Roll back"),
        Binding("a", "act", "Rollout…"),
    ]

    @property
    def version(self) -> int | None:
        """The highlighted version."""
        raise NotImplementedError

    def look(self) -> None:
        """Read what there is now."""
        raise NotImplementedError

    def view_rollout(self) -> None:
        """Show the rollout from now on."""
        raise NotImplementedError

    def action_promote(self) -> None:
        """Promote the highlighted version, at once or in stages."""
        task, version = self.loopai.chosen, self.version
        if task is None or version is None:
            return
        active = ArtifactStore(self.data_dir).active(task)
        if active == version:
            self.notify(f"{task} serves v{version} already.")
        elif active is None:
            self._ask(task, version, AT_ONCE)
        else:
            title = f"Promote v{version} of {task} over v{active}"

            def chosen(how: str | None) -> None:
                if how:
                    self._ask(task, version, how)

            self.app.push_screen(Choice(title, [STAGED, AT_ONCE]), chosen)

    def _ask(self, task: str, version: int, how: str) -> None:
        def go(reason: str | None) -> None:
            if reason is not None:
                self._promote(task, version, how, reason)

        if not self.loopai.settings.confirm:
            go("")
            return
        question = f"{task} v{version} will serve {how}."
        self.app.push_screen(Confirm(f"Promote v{version}", question, "Promote"), go)

    @work(thread=True, group="promote", exit_on_error=False)
    def _promote(self, task: str, version: int, how: str, reason: str) -> None:
        if how == STAGED:
            rollout = control.start_rollout(self.data_dir, task, version, reason=reason)
            told = f"v{version} of {task} goes to {rollout.percent} % of callers first."
            self.view_rollout()
        else:
            control.activate_by_hand(ArtifactStore(self.data_dir), task, version, reason=reason)
            told = f"{task} now serves v{version}."
        self.app.call_from_thread(self.notify, told)
        self.app.call_from_thread(self.look)

    def action_roll_back(self) -> None:
        """Go back to the version that served before."""
        task = self.loopai.chosen
        if task is None:
            return

        def go(reason: str | None) -> None:
            if reason is not None:
                self._roll_back(task, reason)

        active = ArtifactStore(self.data_dir).active(task)
        question = f"{task} serves v{active} now; the version before will serve instead."
        self.app.push_screen(Confirm("Roll back", question, "Roll back"), go)

    @work(thread=True, group="promote", exit_on_error=False)
    def _roll_back(self, task: str, reason: str) -> None:
        version = control.roll_back_by_hand(ArtifactStore(self.data_dir), task, reason=reason)
        self.app.call_from_thread(self.notify, f"{task} serves v{version} again.")
        self.app.call_from_thread(self.look)

    def action_act(self) -> None:
        """Pause, resume, skip a stage of, abort or retry the rollout."""
        task = self.loopai.chosen
        if task is None:
            return
        try:
            rollout = read_rollout(self.data_dir, task)
        except LoopaiError as error:
            self.loopai.show_error(error)
            return
        if rollout is None:
            self.notify("No version is promoted in stages; p begins that.", severity="warning")
            return
        running = ["pause", "skip", "abort"] if rollout.state == "running" else []
        paused = ["resume", "skip", "abort"] if rollout.state == "paused" else []

        def chosen(name: str | None) -> None:
            if name:
                self._act(task, name)

        options = running or paused or (["abort"] if rollout.live else ["retry"])
        title = f"Rollout of v{rollout.candidate}, {rollout.state.replace('_', ' ')}"
        self.app.push_screen(Choice(title, options), chosen)

    @work(thread=True, group="promote", exit_on_error=False)
    def _act(self, task: str, name: str) -> None:
        reason = "by hand in the app"
        if name == "retry":
            rollout = control.retry(self.data_dir, task, reason=reason)
        else:
            rollout = control.act(self.data_dir, task, name, reason=reason)
        self.view_rollout()
        told = f"The rollout is {rollout.state.replace('_', ' ')}."
        self.app.call_from_thread(self.notify, told)
        self.app.call_from_thread(self.look)

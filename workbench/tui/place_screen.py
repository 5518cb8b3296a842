"""What every tab's screen has in common: the tabs above, the keys below, the chosen task.

A screen subclasses `PlaceScreen`, says which place it is (`PLACE`) and yields its own widgets in
`compose_body`. `show_task` is called when it is shown and whenever another task is chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen

from runtime.data_dir import DataDir
from workbench.tui.key_line import KeyLine
from workbench.tui.top_bar import TopBar
from workbench.tui.worker_failures import TellsFailures

if TYPE_CHECKING:
    from workbench.tui.app import LoopaiApp

# Letters that two panes beside each other need.
WIDE = 110


class Body(Vertical):
    """Between the tabs and the keys; `-narrow` also where a panel at the side takes the room."""

    def on_resize(self) -> None:
        self.set_class(self.size.width < WIDE, "-narrow")


class PlaceScreen(TellsFailures, Screen[None]):
    """One tab of the app."""

    PLACE: ClassVar[str]

    def compose(self) -> ComposeResult:
        yield TopBar(self.PLACE)
        with Body(id="body"):
            yield from self.compose_body()
        yield KeyLine()

    def compose_body(self) -> ComposeResult:
        """The widgets between the tabs and the keys."""
        yield from ()

    def on_mount(self) -> None:
        self.watch(self.loopai, "chosen", self._task_changed)

    def on_screen_resume(self) -> None:
        self.show_task(self.loopai.chosen)

    def show_task(self, task: str | None) -> None:
        """Show what belongs to `task`; None while there is none. Must return at once."""

    async def _dispatch_message(self, message: Message) -> None:
        await self.loopai.forgive(super()._dispatch_message(message))

    def kept_state(self) -> dict[str, Any]:
        """What to remember for the next run, as JSON; read back from `loopai.state`."""
        return {}

    @property
    def loopai(self) -> LoopaiApp:
        from workbench.tui.app import LoopaiApp

        assert isinstance(self.app, LoopaiApp)
        return self.app

    @property
    def data_dir(self) -> DataDir:
        return self.loopai.data_dir

    def _task_changed(self, task: str | None) -> None:
        self.query_one(TopBar).chosen = task
        if self.is_current:
            self.show_task(task)

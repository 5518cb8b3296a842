"""`loopai` with no arguments: the app. It holds the data directory, the chosen task and the tabs.

Screens do the work; long work runs in their workers. Nothing here waits for anything.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Iterable
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from runtime.clock import Clock, utc_now
from runtime.data_dir import DataDir
from workbench.tui import themes
from workbench.tui.jump import JumpMode, jump_targets
from workbench.tui.notices import Notice, NoticeDetails, notice_of
from workbench.tui.palette import ActionProvider
from workbench.tui.place_screen import PlaceScreen
from workbench.tui.places import installed_places
from workbench.tui.serving import Serving
from workbench.tui.settings import Settings, State
from workbench.tui.threads import AbandonedThreads
from workbench.tui.top_bar import Tab

FIRST_PLACE = "tasks"
NOTICE_SECONDS = 10
# Classes that every screen gets by its width in letters.
BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (170, "-very-wide")]


class LoopaiApp(App[None]):
    """The workbench in a terminal."""

    TITLE = "Loopai"
    CSS_PATH = "app.tcss"
    COMMANDS = App.COMMANDS | {lambda: ActionProvider}
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(place.key, f"go('{place.name}')", place.title, show=False)
            for place in installed_places()
        ),
        Binding("ctrl+o", "jump", "Jump", tooltip="Go to any part of the screen by a letter"),
        Binding("question_mark,f1", "toggle_help", "Help", key_display="?"),
        Binding("ctrl+p", "command_palette", "More", system=True, key_display="^p"),
        Binding("f8", "last_notice", "Last error", show=False),
        Binding("f3", "toggle_light", "Light or dark", show=False),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    #: The task that all screens show; watched by each `PlaceScreen`.
    chosen: reactive[str | None] = reactive(None, init=False)

    def __init__(
        self, data_dir: DataDir, settings: Settings | None = None, clock: Clock = utc_now
    ) -> None:
        self.settings = settings or Settings()
        self.clock = clock
        self.data_dir = data_dir
        self.state = State(data_dir)
        self.serving = Serving(data_dir)
        self.last_notice: Notice | None = None
        self._told_at = 0.0
        #: Errors nobody foresaw become notices; tests let them through.
        self.forgiving = False
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = BREAKPOINTS
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)
        wanted = themes.theme_for(self.state.get("theme") or self.settings.theme, dict(os.environ))
        self.theme = wanted if wanted in self.available_themes else themes.DARK.name
        for place in installed_places():
            self.add_mode(place.name, place.load)
        names = data_dir.task_names()
        kept = self.state.get("task")
        self.set_reactive(LoopaiApp.chosen, kept if kept in names else next(iter(names), None))

    def on_mount(self) -> None:
        asyncio.get_running_loop().set_default_executor(AbandonedThreads())
        places = {place.name for place in installed_places()}
        kept = self.state.get("place")
        self.switch_mode(kept if kept in places else FIRST_PLACE)

    def open_task(self, name: str | None, place: str | None = None) -> None:
        """Choose a task for all screens, and go to a place with it."""
        self.chosen = name
        self.state.put("task", name)
        if place:
            self.action_go(place)

    def action_go(self, place: str) -> None:
        """Open a tab."""
        if len(self.screen_stack) == 1:
            self.state.put("place", place)
            self.switch_mode(place)

    def action_jump(self) -> None:
        """Show a letter on each thing that can be focused."""

        def arrive(widget: Widget | None) -> None:
            if isinstance(widget, Tab):
                self.action_go(widget.place.name)
            elif widget is not None:
                widget.focus()

        self.push_screen(JumpMode(jump_targets(self.screen)), arrive)

    def action_toggle_help(self) -> None:
        """Show or hide what the focused widget is for and all keys that work now."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_toggle_light(self) -> None:
        """Change between the dark and the light theme, and keep it."""
        dark = self.current_theme.dark
        self.theme = themes.LIGHT.name if dark else themes.DARK.name
        self.state.put("theme", self.theme)

    def action_last_notice(self) -> None:
        """Open the details of the newest error."""
        if self.last_notice is None:
            self.notify("Nothing has gone wrong.")
        else:
            self.push_screen(NoticeDetails(self.last_notice))

    def show_error(self, error: BaseException, doing: str = "") -> None:
        """Say in a notice what went wrong; its details stay behind F8."""
        notice = notice_of(error, doing)
        now = time.monotonic()
        if notice == self.last_notice and now - self._told_at < NOTICE_SECONDS:
            return  # it can still be read
        self.last_notice, self._told_at = notice, now
        self.notify(
            f"{self.last_notice.sentence}\n[dim]F8 for details[/dim]"
            if "[" not in self.last_notice.sentence
            else self.last_notice.sentence,
            title=self.last_notice.title,
            severity="error",
            timeout=NOTICE_SECONDS,
            markup="[" not in self.last_notice.sentence,
        )

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        for place in installed_places():
            yield SystemCommand(f"Go to {place.title}", place.purpose, self._going(place.name))
        for name in self.data_dir.task_names():
            yield SystemCommand(f"Task: {name}", "Choose this task", self._choosing(name))

    def _going(self, place: str) -> Any:
        return lambda: self.action_go(place)

    def _choosing(self, task: str) -> Any:
        return lambda: self.open_task(task)

    async def _dispatch_message(self, message: Message) -> None:
        await self.forgive(super()._dispatch_message(message))

    async def forgive(self, work: Awaitable[None]) -> None:
        """Wait for work of the app's or a screen's; an error nobody foresaw becomes a notice.

        Raised on, it would end the loop that the app or the screen lives by.
        """
        try:
            await work
        except Exception as error:
            if not self.forgiving:
                raise
            self.show_error(error)

    async def action_quit(self) -> None:
        self.save_state()
        await self.serving.stop_all()
        self.exit()

    def save_state(self) -> None:
        """Keep what every opened screen wants kept, for the next run."""
        for stack in self._screen_stacks.values():
            for screen in stack:
                if isinstance(screen, PlaceScreen):
                    self.state.put(screen.PLACE, screen.kept_state())
        try:
            self.state.save()
        except OSError as error:
            self.show_error(error, "The state of the app cannot be kept")


def run_app(data_dir: DataDir) -> None:
    """Open the app and come back when it is closed. Raises InvalidInputError for bad settings."""
    from workbench.tui.settings import load_settings
    from workbench.tui.short_collections import keep_collections_short

    app = LoopaiApp(data_dir, load_settings())
    app.forgiving = True
    keep_collections_short()
    try:
        app.run()
    finally:
        app.serving.kill_all()

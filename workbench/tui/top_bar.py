"""The line above every screen: the product, the tabs with their keys, the chosen task."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from workbench.tui.places import Place, installed_places

NARROW = 104


class Tab(Static):
    """One tab; a click or a jump opens its place."""

    def __init__(self, place: Place, *, open_now: bool) -> None:
        label = Content.assemble((place.key, "dim"), " ", place.title)
        super().__init__(label, id=f"tab-{place.name}", classes="tab")
        self.place = place
        self.set_class(open_now, "-open")
        self.tooltip = place.purpose

    def on_click(self) -> None:
        self.call_later(self.app.run_action, f"go('{self.place.name}')")


class TopBar(Horizontal):
    """Which places there are, which one is open, and which task it shows."""

    chosen: reactive[str | None] = reactive(None)

    def __init__(self, place: str) -> None:
        super().__init__(id="top-bar")
        self._place = place

    def compose(self) -> ComposeResult:
        yield Static("Loopai", id="brand")
        for place in installed_places():
            yield Tab(place, open_now=place.name == self._place)
        yield Static("", id="chosen-task")

    def watch_chosen(self, task: str | None) -> None:
        word = "" if self.has_class("-narrow") else "task "
        label = Content.assemble((word, "dim"), (task, "bold")) if task else Content("")
        if self.is_mounted:
            self.query_one("#chosen-task", Static).update(label)

    def on_mount(self) -> None:
        self.watch_chosen(self.chosen)

    def on_resize(self) -> None:
        self.set_class(self.size.width < NARROW, "-narrow")
        self.watch_chosen(self.chosen)

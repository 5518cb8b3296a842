"""Jump mode: a letter appears on everything that can be focused; press it to go there."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Label

from workbench.tui.top_bar import Tab

LETTERS = "asdfghjklqwertyuiopzxcvbnm"


def jump_targets(screen: Screen[object]) -> dict[str, tuple[Widget, Region]]:
    """A letter for each tab and each widget on `screen` that can take the focus and be seen."""
    visible = screen.region
    targets: dict[str, tuple[Widget, Region]] = {}
    letters = iter(LETTERS)
    for widget in screen.query("*"):
        if not (widget.focusable or isinstance(widget, Tab)) or not widget.region:
            continue
        if not visible.overlaps(widget.region):
            continue
        if isinstance(widget, Tab):
            targets[widget.place.key] = (widget, widget.content_region)
        elif letter := next(letters, None):
            targets[letter] = (widget, widget.region)
    return targets


class JumpMode(ModalScreen[Widget | None]):
    """Shows the letters over the screen below; answers with the widget that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+o", "dismiss", "Stay here")]

    def __init__(self, targets: dict[str, tuple[Widget, Region]]) -> None:
        super().__init__()
        self._targets = targets

    def compose(self) -> ComposeResult:
        for letter, (widget, region) in self._targets.items():
            label = Label(letter, classes="jump-letter")
            # On a tab it stands on the digit, so that the name can be read.
            left = region.x - 1 if isinstance(widget, Tab) else region.x
            label.styles.offset = (max(0, left), region.y)
            if left < 0:
                label.styles.width = 2
            yield label

    def on_key(self, event: events.Key) -> None:
        if event.key in self._targets:
            event.stop()
            event.prevent_default()
            self.dismiss(self._targets[event.key][0])

"""The last line of every screen: the keys that work now. Those that lead to all others stay in
sight however many there are."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Footer

ALWAYS = ("toggle_help", "command_palette")


class KeyLine(Footer):
    """Actions from the left, cut where the room ends; help and the palette at the right."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)

    def compose(self) -> ComposeResult:
        always: list[Widget] = []
        for key in super().compose():
            if getattr(key, "action", "") in ALWAYS:
                always.append(key)
            else:
                yield key
        if always:
            yield Horizontal(*always, classes="always")

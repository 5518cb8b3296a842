"""The last line of every screen: the keys that work now. Those that lead to all others stay in
sight however many there are."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

ALWAYS = ("toggle_help", "command_palette")


class KeyLine(Horizontal):
    """Actions from the left, cut where the room ends; help and the palette at the right.

    Two texts in place of Textual's footer, which is made anew, a widget a key, whenever the focus
    moves: that held up the key that moved it.
    """

    def compose(self) -> ComposeResult:
        yield Static(classes="keys")
        yield Static(classes="always")

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._show)

    def _show(self, screen: Screen[Any]) -> None:
        keys: list[Content] = []
        always: list[Content] = []
        actions = set()
        for _, binding, enabled, _ in screen.active_bindings.values():
            if binding.show and binding.action not in actions:
                actions.add(binding.action)
                which = always if binding.action in ALWAYS else keys
                which.append(self._key(binding, enabled))
        left, right = self.query(Static)
        left.update(Content(" ").join(keys), layout=False)
        right.update(Content(" ").join(always))

    def _key(self, binding: Binding, enabled: bool) -> Content:
        """A key and what it does, to be clicked too."""
        shown = self.app.get_key_display(binding)
        text = Content.assemble((shown, "bold $footer-key-foreground"), " ", binding.description)
        if not enabled:
            return text.stylize("dim")
        return text.stylize(Style.from_meta({"@click": f"app.simulate_key('{binding.key}')"}))

"""One line of text, asked for in a small window."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Footer, Input, Label


class Ask(ModalScreen[str | None]):
    """Answers with what was typed; None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def __init__(
        self, title: str, question: str, value: str = "", suggester: Suggester | None = None
    ) -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._value = value
        self._suggester = suggester

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Label(self._question, markup=False)
            yield Input(self._value, compact=True, suggester=self._suggester)
            yield Footer(show_command_palette=False, compact=True)

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)

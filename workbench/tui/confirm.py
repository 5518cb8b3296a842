"""Asks before something that callers notice, and for the reason, which the history keeps."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Footer, Input, Label, Static


class Confirm(ModalScreen[str | None]):
    """Answers with the reason, which may be empty; None when it was not wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "No"),
        Binding("enter", "go", "Yes", show=False),
    ]

    def __init__(self, title: str, question: str, yes: str, *, reason: bool = True) -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._yes = yes
        self._with_reason = reason

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(self._question, classes="lead", markup=False)
            if self._with_reason:
                yield Label("Reason [$soft]kept in the history; may be empty[/$soft]")
                yield Input(compact=True)
            with Horizontal(id="new-buttons"):
                yield Button(self._yes, variant="primary", compact=True)
            yield Footer(show_command_palette=False, compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed)
    def action_go(self) -> None:
        """Do it."""
        self.dismiss(self.query_one(Input).value.strip() if self._with_reason else "")

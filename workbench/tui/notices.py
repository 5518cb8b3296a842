"""What went wrong, as a notice; its details to read and copy. Never a traceback over a screen."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Static, TextArea

from runtime.errors import LoopaiError


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that went wrong: a sentence for the notice, and all there is to say of it."""

    title: str
    sentence: str
    details: str


def notice_of(error: BaseException, doing: str = "") -> Notice:
    """A notice for an error: a person's own mistake in its own words, ours with its trace."""
    if isinstance(error, LoopaiError):
        lines = [str(problem) for problem in error.problems]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        return Notice(doing or "That cannot be done", lines[0] + more, "\n".join(lines))
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        sentence = f"{place}{error.strerror or error}"
        return Notice(doing or "The system refused", sentence, sentence)
    sentence = f"{type(error).__name__}: {error}"
    details = "".join(traceback.format_exception(error))
    return Notice(doing or "Something unforeseen happened", sentence, details)


class NoticeDetails(ModalScreen[None]):
    """The details of a notice, to read and to copy."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close"),
        Binding("c", "copy", "Copy"),
    ]

    def __init__(self, notice: Notice) -> None:
        super().__init__()
        self._notice = notice

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = self._notice.title
            yield Static(self._notice.sentence, classes="lead", markup=False)
            yield TextArea(self._notice.details, read_only=True, soft_wrap=True)
            yield Footer(show_command_palette=False, compact=True)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._notice.details)
        self.notify("The details are on the clipboard.")

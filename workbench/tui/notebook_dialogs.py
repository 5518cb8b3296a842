"""Choosing the kind of a new cell, and the notebook to open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from workbench.notebook.document import PROSE
from workbench.notebook.kinds import KINDS

#: The key that picks a kind at once; prose is words.
LETTERS = {
    "task": "t",
    "examples": "e",
    "synthesize": "s",
    "try": "y",
    "expect": "x",
    "sql": "q",
    "chart": "c",
    "compare": "m",
    "promote": "p",
    PROSE: "w",
}


class KindDialog(ModalScreen[str | None]):
    """Which kind of cell to add; answers with its name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Cancel"),
        Binding("enter", "take", "Add"),
        *(Binding(letter, f"pick('{kind}')", show=False) for kind, letter in LETTERS.items()),
    ]

    def compose(self) -> ComposeResult:
        summaries = {kind.name: kind.summary.split(". ")[0] for kind in KINDS.values()}
        summaries[PROSE] = "Words, in Markdown."
        options = [
            Option(
                Content.assemble(
                    (f"{LETTERS[name]}  ", "$accent"), (f"{name:11}", "bold"), (summary, "$soft")
                ),
                id=name,
            )
            for name, summary in summaries.items()
        ]
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Add a cell"
            yield OptionList(*options, id="kinds", compact=True)
            yield Footer(show_command_palette=False, compact=True)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_pick(self, kind: str) -> None:
        self.dismiss(kind)

    def action_take(self) -> None:
        self.query_one(OptionList).action_select()


class NotebookDialog(ModalScreen[Path | None]):
    """Which notebook to open; answers with its file, which may not be there yet."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def __init__(self, files: Sequence[tuple[Path, str]]) -> None:
        super().__init__()
        self._files = files

    def compose(self) -> ComposeResult:
        options = [
            Option(Content.assemble((path.name, "bold"), "  ", (where, "$soft")), id=str(number))
            for number, (path, where) in enumerate(self._files)
        ]
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Open a notebook"
            yield OptionList(*options, id="notebooks")
            yield Footer(show_command_palette=False, compact=True)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        assert event.option.id is not None
        self.dismiss(self._files[int(event.option.id)][0])

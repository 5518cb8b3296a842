"""The editor of one cell: YAML, JSON, SQL or Markdown in colour. Esc leaves it, text and all."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from workbench.notebook.document import Block
from workbench.notebook.kinds import KINDS

# Only the letters: ground and cursor are the app's own, so that every theme of it fits.
_ROLES = {
    "string": "string",
    "keyword": "keyword",
    "boolean": "number",
    "number": "number",
    "float": "number",
    "comment": "comment",
    "field": "name",
    "yaml.field": "name",
    "json.label": "name",
    "type": "name",
    "function": "name",
    "heading": "keyword",
    "link": "string",
    "operator": "comment",
}
_DARK = {"string": "#9ece6a", "keyword": "#bb9af7", "number": "#ff9e64", "name": "#7dcfff"}
_LIGHT = {"string": "#3a7d1f", "keyword": "#7a3ea8", "number": "#9a5b00", "name": "#1e6091"}


def _theme(name: str, colours: dict[str, str], soft: str) -> TextAreaTheme:
    styles = {
        role: Style(color=colours.get(colour, soft), bold=role == "heading")
        for role, colour in _ROLES.items()
    }
    return TextAreaTheme(name=name, syntax_styles=styles)


THEMES = {
    True: _theme("cell-dark", _DARK, "#8a93b5"),
    False: _theme("cell-light", _LIGHT, "#5b6579"),
}


class CellEditor(TextArea):
    """Changes one block; the block itself is changed when the editor is left."""

    HELP = """\
# Editing a cell

- **esc** leaves the editor; what you wrote stays
- **ctrl+r** runs this cell and what it needs
- **ctrl+z**, **ctrl+y** undo and redo typing
- **ctrl+s** saves at once; it is saved by itself soon after you stop typing
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Done", priority=True),
        Binding("ctrl+r", "screen.run_cell", "Run", priority=True),
        Binding("ctrl+s", "screen.save", "Save", priority=True),
        Binding("tab", "indent", "Indent", show=False),
    ]

    class Left(Message):
        """The person is done with the text."""

    def __init__(self, block: Block) -> None:
        kind = KINDS.get(block.kind)
        text = block.body.removesuffix("\n") if kind else block.source.strip("\r\n")
        language = kind.language if kind else "markdown"
        super().__init__(
            text,
            language=language,
            theme="css",
            soft_wrap=True,
            compact=True,
            classes="cell-editor",
        )
        self.indent_width = 2
        #: The text as it was loaded: only a change of it is a change of the notebook.
        self.loaded = self.text

    def on_mount(self) -> None:
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = THEMES[self.app.current_theme.dark].name
        self.move_cursor(self.document.end)

    def action_leave(self) -> None:
        """Stop editing and keep the text."""
        self.post_message(self.Left())

    def action_indent(self) -> None:
        """Insert two spaces: a tab is no indentation in YAML."""
        self.insert("  ")

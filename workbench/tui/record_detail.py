"""One record in full: its JSON, indented and coloured, without what would move the cursor."""

from __future__ import annotations

import json

from textual.content import Content
from textual.widgets import Static

from workbench.records.columns import decode
from workbench.records.line_index import Line

MAX_LETTERS = 60_000


class RecordDetail(Static):
    """Shows the line it is given."""

    def show_line(self, line: Line) -> None:
        """Show one line of a file, as JSON where it is that."""
        value = decode(line.content)
        title = f"line {line.number + 1:,}"
        if self.parent is not None:
            self.parent.border_title = f"Record, {title}"  # type: ignore[attr-defined]
        if value is None:
            text = line.content[:MAX_LETTERS].decode(errors="replace")
            self.update(Content.assemble(("This line is no JSON.\n\n", "$error"), text))
            return
        text = json.dumps(value, ensure_ascii=False, indent=2)
        if len(text) > MAX_LETTERS:
            text = text[:MAX_LETTERS] + f"\n… {len(text) - MAX_LETTERS:,} more letters"
            self.update(Content(text))
        else:
            from textual.highlight import highlight

            self.update(highlight(text, language="json"))


def prepare_highlighting() -> None:
    """Load what colours JSON, which takes longer than a key press may; call it in a thread."""
    from textual.highlight import highlight

    highlight("{}", language="json")

"""Outputs of cells for a terminal, as Rich draws them: the same on the command line and screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.style import Style
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Span, Text

from runtime.errors import Problem
from runtime.strict_json import canonical
from workbench.console import show
from workbench.notebook.output import Output, Part

STYLES = {"": "", "good": "green", "bad": "red", "dim": "dim", "warn": "yellow"}
MARKS = {"ok": "✓", "failed": "✗", "error": "!", "skipped": "-", "interrupted": "■"}
MARK_STYLES = {
    "ok": "green",
    "failed": "red",
    "error": "red",
    "skipped": "yellow",
    "interrupted": "yellow",
}
MAX_CELL = 120
ROWS_SHOWN = 20
LINES_SHOWN = 40


def headline(output: Output) -> Text:
    """A line that says how a cell went."""
    style = MARK_STYLES[output.status]
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{MARKS[output.status]} ", style=style)
    text.append(output.summary.split("\n")[0], style="" if output.has_result else style)
    if output.seconds >= 0.1:
        text.append(f"  {output.seconds:.1f} s", style="dim")
    return text


def draw_parts(
    parts: Iterable[Part],
    width: int,
    *,
    rows: int = ROWS_SHOWN,
    lines: int = LINES_SHOWN,
    theme: str = "ansi_dark",
) -> RenderableType:
    """The parts one below the other; long tables and sources are cut, and say so.

    `theme` is a Pygments style for source.
    """
    return Group(*(_draw(part, width, rows, lines, theme) for part in parts))


def cell_text(value: Any) -> str:
    """A JSON value in a table."""
    if value is None or isinstance(value, bool | int | float):
        return show(value).plain
    text = value if isinstance(value, str) else canonical(value)
    text = " ".join(text.split())
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 3] + "..."


def plain_text(output: Output) -> str:
    """All of an output as text to copy."""
    lines = [output.summary]
    for part in output.parts:
        if part["type"] == "table" or part["type"] == "chart":
            lines.append("\t".join(part["columns"]))
            lines += ["\t".join(_copied(value) for value in row) for row in part["rows"]]
        else:
            lines.append(problem_text(part) if part["type"] == "problem" else part["text"])
    return "\n".join(lines) + "\n"


def _copied(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def problem_text(part: Part) -> str:
    """A problem in one sentence, as the command line says it."""
    return str(Problem(**{key: value for key, value in part.items() if key != "type"}))


def _draw(part: Part, width: int, rows: int, lines: int, theme: str) -> RenderableType:
    kind = part["type"]
    if kind == "table":
        return _table(part, rows)
    if kind == "source":
        return _source(part, lines, theme)
    if kind == "chart":
        from workbench.notebook.text_plot import draw_chart

        return draw_chart(part["chart"], part["columns"], part["rows"], width)
    if kind == "problem":
        return Text(problem_text(part), style="red")
    return Text(part["text"], style=STYLES.get(part["style"], ""))


def _table(part: Part, limit: int) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    shown = [[cell_text(value) for value in row] for row in part["rows"][:limit]]
    for index, column in enumerate(part["columns"]):
        values = [row[index] for row in part["rows"][:limit]]
        numeric = bool(values) and all(
            (isinstance(value, int | float) and not isinstance(value, bool)) or value is None
            for value in values
        )
        table.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
    for row in shown:
        # Literal text: nothing in a value is taken for markup.
        table.add_row(*(Text(cell) for cell in row))
    total = part["total"] or 0
    hidden = max(total, len(part["rows"])) - len(shown)
    if hidden > 0:
        return Group(table, Text(f"and {hidden:,} more", style="dim"))
    return table


def _source(part: Part, limit: int, theme: str) -> RenderableType:
    lines = part["text"].split("\n")
    text = source_text("\n".join(lines[:limit]), part["language"], theme)
    if len(lines) > limit:
        return Group(text, Text(f"and {len(lines) - limit:,} more lines", style="dim"))
    return text


def source_text(text: str, language: str, theme: str) -> Text:
    """Source in the colours of a Pygments style, without its ground: that is the terminal's."""
    shown = Syntax("", language, theme=theme).highlight(text)
    shown.rstrip()
    shown.style, shown.no_wrap, shown.overflow = "", False, "fold"
    shown.spans = [
        Span(span.start, span.end, _without_ground(span.style))
        for span in shown.spans
        if isinstance(span.style, Style)
    ]
    return shown


def _without_ground(style: Style) -> Style:
    return Style(color=style.color, bold=style.bold, italic=style.italic)

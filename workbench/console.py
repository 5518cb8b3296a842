"""Where the workbench prints for people: one console for answers, one for progress."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 160

# Piped output is read by programs and logs: never folded to a terminal's width.
out = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False, soft_wrap=True)
progress = Console(stderr=True, highlight=False)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None
) -> None:
    """Rows of plain values; columns that hold numbers are set to the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    shown = [[cell if isinstance(cell, Text) else show(cell) for cell in row] for row in rows]
    for index, column in enumerate(columns):
        cells = [str(row[index]) for row in shown]
        numeric = bool(cells) and all(_looks_numeric(cell) for cell in cells)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in shown:
        table.add_row(*row)
    out.print(table)


def show(value: Any) -> Text:
    """A value as literal text: nothing in it is taken for markup."""
    if value is None:
        return Text("-")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, float):
        return Text(f"{value:,.3f}")
    if isinstance(value, int):
        return Text(f"{value:,}")
    return Text(str(value))


def percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _looks_numeric(cell: str) -> bool:
    return cell == "-" or (cell[:1] in "+-0123456789" and cell[-1:] in "0123456789%")

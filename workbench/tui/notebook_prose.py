"""Prose between cells: Markdown as Rich draws it, its headings at the left."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.text import Text


class LeftHeading(Heading):
    """A heading in bold, with its level's mark."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        mark = "#" * int(self.tag[1:])
        heading = Text.assemble((f"{mark} ", "dim"), self.text, overflow="fold")
        heading.stylize("bold")
        yield heading


class Prose(Markdown):
    """Markdown for the space between cells."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": LeftHeading,
    }

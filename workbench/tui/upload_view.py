"""The very bytes of an upload, wrapped at the width there is, with what was redacted marked."""

from __future__ import annotations

import re
from typing import ClassVar

from rich.cells import chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sync.next_upload import MARK, Upload

NUMBER = 6


class UploadView(ScrollView, can_focus=True):
    """Draws only the lines on screen, however large the upload is."""

    HELP = """\
# The next upload

Letter by letter what leaves next, once it is unpacked; each row begins on a line of its own, with
its number. What is **marked** stands for a value that stays here: the same value has the same
token, and only this box could tell which.

- **,** and **.** show the upload before and after, **y** copies it
"""
    COMPONENT_CLASSES: ClassVar[set[str]] = {"upload--mark", "upload--hash", "upload--soft"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Beginning", show=False),
        Binding("G", "scroll_end", "End", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._pieces: tuple[str, ...] = ()
        #: Of each line on the screen: the piece, and from where to where.
        self._lines: list[tuple[int, int, int]] = []
        self._plain = Style.null()

    def show_upload(self, upload: Upload | None) -> None:
        """Show another upload from its beginning; the same one stays where it is."""
        pieces = upload.pieces if upload else ()
        if pieces != self._pieces:
            self._pieces = pieces
            self.scroll_to(0, 0, animate=False)
            self._wrap()

    def on_resize(self) -> None:
        self._wrap()

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width - NUMBER
        if width < 1:
            return
        self._lines = [
            (number, start, end)
            for number, piece in enumerate(self._pieces)
            for start, end in _wrapped(piece, width)
        ]
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()

    def render_lines(self, crop: object) -> list[Strip]:
        self._plain = self.rich_style
        return super().render_lines(crop)  # type: ignore[arg-type]

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        at = round(self.scroll_offset.y) + y
        if at >= len(self._lines):
            return Strip.blank(width, self._plain)
        number, start, end = self._lines[at]
        is_row = 0 < number < len(self._pieces) - 1
        soft = self.get_component_rich_style("upload--soft")
        shown = f"{number:,}" if is_row and start == 0 else ""
        segments = [Segment(shown.rjust(NUMBER - 2) + "  ", soft)]
        plain = self._plain if is_row else soft
        text = self._pieces[number]
        for match in _marks_within(text, start, end):
            style = self.get_component_rich_style("upload--mark" if match[1] else "upload--hash")
            first, last = max(start, match.start()), min(end, match.end())
            segments += [Segment(text[start:first], plain), Segment(text[first:last], style)]
            start = last
        segments.append(Segment(text[start:end], plain))
        return Strip(segments).crop_extend(0, width, self._plain)


def _wrapped(piece: str, width: int) -> list[tuple[int, int]]:
    """From where to where a piece goes on each line."""
    if piece.isascii():
        return [(at, min(at + width, len(piece))) for at in range(0, len(piece), width)]
    found, at = [], 0
    for part in chop_cells(piece, width):
        found.append((at, at + len(part)))
        at += len(part)
    return found


def _marks_within(text: str, start: int, end: int) -> list[re.Match[str]]:
    """The marks that a stretch of a piece shows, whole or in part."""
    longest = 80  # of a mark; one may have begun on the line before
    near = MARK.finditer(text, max(0, start - longest), min(len(text), end + longest))
    return [match for match in near if match.end() > start and match.start() < end]

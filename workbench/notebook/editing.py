"""Changes to a notebook: the body of a block, a new block, its place, its end.

Each gives a new document in which every other block is what it was, to the byte. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from runtime.errors import InvalidInputError, Problem
from workbench.notebook.document import (
    PROSE,
    Block,
    Document,
    closing_fence,
    ends_fence,
    fence_marker,
    parse_document,
)

_LINE_END = re.compile(r"\r\n|\r|\n")


def replace_body(document: Document, index: int, body: str) -> Document:
    """The document with another body in one cell, or another text in one stretch of prose."""
    block = document.blocks[index]
    body = _LINE_END.sub("\n", body)
    if block.is_cell:
        if body == block.body:
            return document
        source = _with_body(block, body, _line_end(document))
    else:
        if body == _LINE_END.sub("\n", block.source):
            return document
        source = body.replace("\n", _line_end(document))
    sources = [each.source for each in document.blocks]
    sources[index] = source
    if index + 1 < len(sources) and source and not source.endswith(("\r", "\n")):
        sources[index] += _line_end(document)
    return _joined(document, sources)


def insert_cell(document: Document, place: int, kind: str, body: str) -> Document:
    """The document with a new block before block `place` (or at the end); `kind` may be prose.

    Raises InvalidInputError where the text around it would swallow the fence.
    """
    end = _line_end(document)
    if kind == PROSE:
        source = body.replace("\n", end)
    else:
        fence = Block(f"```{kind}{end}```{end}", 0, kind)
        source = _with_body(fence, body, end)
    sources = [block.source for block in document.blocks]
    if place > 0:
        sources[place - 1] = _ended(sources[place - 1], end)
        if sources[place - 1].strip() and not _ends_blank(sources[place - 1]):
            source = end + source
    follows = place < len(sources) and sources[place].strip()
    if follows and not sources[place].startswith(("\r", "\n")):
        source += end
    sources.insert(place, source)
    cells = [block.kind for block in document.blocks if block.is_cell]
    before = sum(block.is_cell for block in document.blocks[:place])
    if kind != PROSE:
        cells.insert(before, kind)
    return _checked(document, sources, cells)


def delete_block(document: Document, index: int) -> Document:
    """The document without one block, and without the empty line that parted it from the next.

    Raises InvalidInputError where the text around it would swallow another cell.
    """
    sources = [block.source for block in document.blocks]
    del sources[index]
    if index < len(sources) and (index == 0 or _ends_blank(sources[index - 1])):
        sources[index] = re.sub(r"\A(?:\r\n|\r|\n)", "", sources[index])
    cells = [b.kind for i, b in enumerate(document.blocks) if b.is_cell and i != index]
    return _checked(document, sources, cells)


def move_block(document: Document, index: int, by: int) -> tuple[Document, int]:
    """The document with a block moved over its neighbours, `by` places up (-) or down (+), and
    the block's new index. Empty lines between blocks stay where they are.

    Raises InvalidInputError where the text around it would swallow the fence.
    """
    blocks = document.blocks
    shown = [i for i, block in enumerate(blocks) if block.source.strip()]
    order = [*shown]
    here = order.index(index)
    there = min(max(here + by, 0), len(order) - 1)
    if there == here:
        return document, index
    order.insert(there, order.pop(here))
    end = _line_end(document)
    sources = [block.source for block in blocks]
    for place, wanted in zip(shown, order, strict=True):
        sources[place] = _closed(blocks[wanted], end)
    sources = [_ended(source, end) for source in sources]
    if not document.text.endswith(("\r", "\n")):
        sources[-1] = re.sub(r"(?:\r\n|\r|\n)\Z", "", sources[-1])
    moved = _checked(document, sources, [blocks[i].kind for i in order if blocks[i].is_cell])
    above = sum(blocks[i].is_cell for i in order[:there])
    if blocks[index].is_cell:
        return moved, moved.cells[above]
    return moved, moved.cells[above - 1] + 1 if above else 0


def _with_body(block: Block, body: str, default_end: str) -> str:
    """A cell's source with another body: its fence lengthened where the body would close it."""
    marker = fence_marker(block.source)
    opening = _first_line(block.source)
    found = _LINE_END.search(opening)
    end = found[0] if found else default_end
    indent = opening[: len(opening) - len(opening.lstrip(" "))]
    if body and not body.endswith("\n"):
        body += "\n"
    lines = body.split("\n")[:-1]
    longest = max((len(line.strip()) for line in lines if ends_fence(line, marker)), default=0)
    closing = closing_fence(block)
    if longest >= len(marker):
        longer = marker[0] * (longest + 1)
        opening = opening.replace(marker, longer, 1)
        if closing is not None:
            closing = closing.replace(closing.strip(), longer, 1)
    opening = opening if found else opening + end
    inner = "".join((indent + line if line else "") + end for line in lines)
    if closing is None:
        # It ran to the end of the file, and still does: with a fence, it would no more.
        return opening + inner
    return opening + inner + closing


def _closed(block: Block, end: str) -> str:
    """A block's source fit to stand before another."""
    if block.is_cell and not block.closed:
        return _ended(block.source, end) + fence_marker(block.source) + end
    return block.source


def _checked(document: Document, sources: Sequence[str], cells: Sequence[str]) -> Document:
    """The joined document when its cells are those expected; with empty lines if it takes them."""
    end = _line_end(document)
    for candidate in (sources, [_ended(each, end) + end for each in sources]):
        joined = _joined(document, candidate)
        if [block.kind for block in joined.blocks if block.is_cell] == list(cells):
            return joined
    raise InvalidInputError(
        Problem(
            "a cell cannot stand there: the text before it (an open comment or fence) would "
            "swallow it.",
            document.file,
            remedy="Close what is open above.",
        )
    )


def _joined(document: Document, sources: Sequence[str]) -> Document:
    return parse_document(document.bom + "".join(sources), document.file)


def _line_end(document: Document) -> str:
    """The line end the file uses: that of its first line."""
    for block in document.blocks:
        found = _LINE_END.search(block.source)
        if found:
            return found[0]
    return "\n"


def _first_line(source: str) -> str:
    found = _LINE_END.search(source)
    return source[: found.end()] if found else source


def _ended(source: str, end: str) -> str:
    return source if not source or source.endswith(("\r", "\n")) else source + end


def _ends_blank(source: str) -> bool:
    """Whether the last line is empty."""
    return re.search(r"(?:\A|\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)\Z", source) is not None

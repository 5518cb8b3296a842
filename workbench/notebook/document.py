"""A notebook file as blocks: prose and fenced cells that together are the file, byte for byte.

Where a fence begins and ends is CommonMark's to say (markdown-it-py); only fences that stand in
no list or quotation are cells. It never refuses a file: what is wrong is told by `problems`.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from markdown_it import MarkdownIt
from markdown_it.token import Token

from runtime.data_dir import write_atomic
from runtime.errors import InvalidInputError, NotFoundError, Problem
from workbench.notebook.kinds import KINDS

PROSE = "prose"
MAX_BYTES = 8_000_000
BOM = "\ufeff"
# What a person may mean by a fence of another kind; none of these is a slip of the pen.
LANGUAGES = frozenset({"text", "sh", "bash", "json", "yaml", "python", "markdown", "sql", "tree"})
NO_OPTIONS: Mapping[str, str] = MappingProxyType({})

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_OPENING = re.compile(r" {0,3}(?P<marker>`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the file: prose, or one cell with its fence.

    `source` is what stands in the file, line ends and all; `line` (from 1) is where it begins.
    Of a cell, `body` is what stands between the fences, its lines ended by `\\n` and without the
    fence's indentation; `label` names it (`name=` after its kind, or `try 2`).
    """

    source: str
    line: int
    kind: str = PROSE
    options: Mapping[str, str] = field(default_factory=lambda: NO_OPTIONS)
    body: str = ""
    closed: bool = True
    label: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def is_cell(self) -> bool:
        return self.kind != PROSE

    @property
    def body_line(self) -> int:
        """The line of the file on which the body begins."""
        return self.line + 1


@dataclass(frozen=True, slots=True)
class Document:
    """A notebook's blocks in order. Never changed: `editing` gives new ones."""

    blocks: tuple[Block, ...]
    file: Path
    bom: str = ""

    @property
    def text(self) -> str:
        return self.bom + "".join(block.source for block in self.blocks)

    @property
    def content(self) -> bytes:
        """The file's bytes, the same that were read where nothing was changed."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def cells(self) -> list[int]:
        """The indexes of the blocks that are cells."""
        return [index for index, block in enumerate(self.blocks) if block.is_cell]

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the file's form, each with its line; see `checking` for the rest."""
        found = [problem for block in self.blocks for problem in block.problems]
        line = next((b.line for b in self.blocks if _has_surrogates(b.source)), None)
        if line is not None:
            found.append(Problem("is not UTF-8 text.", self.file, line, remedy="Save it as UTF-8."))
        return sorted(found, key=lambda problem: problem.line or 0)

    def find(self, label: str) -> int:
        """The cell called `label` (`name=`, or kind and number). Raises NotFoundError."""
        for index in self.cells:
            if self.blocks[index].label == label:
                return index
        known = ", ".join(self.blocks[index].label for index in self.cells) or "none"
        raise NotFoundError(
            Problem(f"there is no cell {label!r}.", self.file, remedy=f"Cells: {known}.")
        )


def read_document(file: Path) -> Document:
    """Open a notebook (at most 8 MB). Raises NotFoundError, or InvalidInputError for no file."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(
            Problem("there is no such notebook.", file, remedy="Make one: loopai notebook new")
        ) from None
    except OSError as error:
        raise InvalidInputError(Problem(f"cannot be read: {error.strerror}.", file)) from None
    if len(content) > MAX_BYTES:
        raise InvalidInputError(
            Problem(f"is {len(content):,} bytes; at most {MAX_BYTES:,} are read.", file)
        )
    return parse_document(content, file)


def save_document(document: Document) -> None:
    """Write the notebook whole or not at all."""
    write_atomic(document.file, document.content)


def parse_document(content: bytes | str, file: Path) -> Document:
    """The blocks of a notebook; any bytes at all have some."""
    text = content.decode("utf-8", "surrogateescape") if isinstance(content, bytes) else content
    bom = BOM if text.startswith(BOM) else ""
    text = text.removeprefix(BOM)
    lines = _LINE.findall(text)
    blocks: list[Block] = []
    counts: Counter[str] = Counter()
    names: dict[str, int] = {}
    done = 0
    for token in _fences(text):
        assert token.map is not None
        start, end = token.map
        source = "".join(lines[start:end])
        kind, _, attributes = token.info.strip().partition(" ")
        if kind not in KINDS:
            continue
        if start > done:
            blocks.append(_prose(lines, done, start, file))
        counts[kind] += 1
        blocks.append(_cell(token, source, kind, attributes, counts[kind], names, file))
        done = end
    if done < len(lines):
        blocks.append(_prose(lines, done, len(lines), file))
    return Document(tuple(blocks), file, bom)


def closing_fence(block: Block) -> str | None:
    """The line that ends a cell, with its line end; None when it is not there."""
    lines = _LINE.findall(block.source)
    return lines[-1] if block.closed and len(lines) > 1 else None


def fence_marker(source: str) -> str:
    """The run of backticks or tildes that opens a fence."""
    found = _OPENING.match(source)
    assert found is not None
    return found["marker"]


def ends_fence(line: str, marker: str) -> bool:
    """Whether a line would close a fence opened by `marker`."""
    pattern = rf" {{0,3}}{re.escape(marker[0])}{{{len(marker)},}}[ \t]*[\r\n]*"
    return re.fullmatch(pattern, line) is not None


@cache
def _parser() -> MarkdownIt:
    # Blocks only: what stands inside a paragraph has no fences and costs most of the time.
    return MarkdownIt("commonmark").disable("inline")


def _fences(text: str) -> list[Token]:
    return [token for token in _parser().parse(text) if token.type == "fence" and not token.level]


def _cell(
    token: Token,
    source: str,
    kind: str,
    attributes: str,
    number: int,
    names: dict[str, int],
    file: Path,
) -> Block:
    assert token.map is not None
    line = token.map[0] + 1
    lines = _LINE.findall(source)
    closed = len(lines) > 1 and ends_fence(lines[-1], fence_marker(source))
    problems = []
    if not closed:
        problems.append(
            Problem(
                f"the {kind} cell that begins here is never closed.",
                file,
                line,
                remedy=f"Put {fence_marker(source)} on a line of its own after it.",
            )
        )
    options, wrong = _options(kind, attributes)
    problems += [Problem(message, file, line, remedy=remedy) for message, remedy in wrong]
    label = options.get("name") or f"{kind} {number}"
    if label in names:
        problems.append(
            Problem(
                f"the name {label!r} is taken by the cell on line {names[label]}.",
                file,
                line,
                remedy="Give it another name.",
            )
        )
        label = f"{label} (line {line})"
    names[label] = line
    return Block(source, line, kind, options, token.content, closed, label, tuple(problems))


def _options(kind: str, attributes: str) -> tuple[Mapping[str, str], list[tuple[str, str]]]:
    try:
        words = shlex.split(attributes)
    except ValueError as error:
        return NO_OPTIONS, [(f"{attributes.strip()!r}: {error}.", "Close the quotation mark.")]
    known = (*KINDS[kind].options, "name")
    options: dict[str, str] = {}
    wrong = []
    for word in words:
        key, sign, value = word.partition("=")
        if sign and key in known:
            options[key] = value
        else:
            wrong.append(
                (
                    f"a {kind} cell has no option {key!r}.",
                    f"Write {', '.join(f'{each}=...' for each in known)}.",
                )
            )
    return MappingProxyType(options), wrong


def _prose(lines: list[str], start: int, end: int, file: Path) -> Block:
    source = "".join(lines[start:end])
    problems = []
    for token in _fences(source):
        assert token.map is not None
        word = token.info.strip().split(" ")[0]
        near = difflib.get_close_matches(word.lower(), KINDS, n=1, cutoff=0.75)
        if near and word not in LANGUAGES:
            problems.append(
                Problem(
                    f"{word!r} is no kind of cell, so this is not run.",
                    file,
                    start + token.map[0] + 1,
                    remedy=f"Did you mean {near[0]}?",
                )
            )
    return Block(source, start + 1, problems=tuple(problems))


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)

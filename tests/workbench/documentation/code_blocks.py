"""Code blocks of a page of Markdown, and a shell that runs them one after the other.

A block that cannot be run here says why in a comment above it: `<!-- not run: reason -->`; what a
page needs before its first block stands in `<!-- needs: NAME -->`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

NOT_RUN = re.compile(r"<!-- not run: (.+?) -->")
NEEDS = re.compile(r"<!-- needs: ([\w-]+) -->")
# These go on until they are told to stop; what follows waits until they answer.
SERVERS = re.compile(r"^(loopai-runtime start|loopai hub start|python3? program\.py --serve)\b")
PORT = re.compile(r"--(?:port|serve) (\d+)")
PORTS = {"loopai hub start": 8090, "loopai-runtime start": 8080}


@dataclass(frozen=True, slots=True)
class Block:
    """`line` counts from 1; `not_run` is the reason, "" where the block is run."""

    line: int
    language: str
    text: str
    not_run: str


def blocks_of(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    reason = ""
    for token in MarkdownIt().parse(page):
        if token.type == "html_block":
            match = NOT_RUN.search(token.content)
            reason = match[1] if match else reason
        elif token.type == "fence":
            assert token.map is not None
            language = token.info.split(" ", 1)[0]
            found.append(Block(token.map[0] + 1, language, token.content, reason))
            reason = ""
        elif token.type.endswith("_open"):
            reason = ""
    return found


def needs_of(page: str) -> set[str]:
    return set(NEEDS.findall(page))


def script_of(blocks: list[Block]) -> str:
    """One script for bash of all `sh` and `python` blocks that are run; it ends at the first
    command that fails, and says which block it was in."""
    parts = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for block in blocks:
        if block.not_run or block.language not in ("sh", "python"):
            continue
        parts.append(f"echo '## line {block.line}'")
        if block.language == "python":
            parts.append(f"python - <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK")
        else:
            parts += [_in_background(line) for line in _commands(block.text)]
    return "\n".join(parts) + "\n"


def _commands(text: str) -> list[str]:
    """Lines, those that go on in the next one joined; comments behind a command are bash's own."""
    return text.replace("\\\n", " ").splitlines()


def _in_background(line: str) -> str:
    if not SERVERS.match(line):
        return line
    told = PORT.search(line)
    port = told[1] if told else PORTS[SERVERS.match(line)[1]]  # type: ignore[index]
    asked = f"curl -s -o /dev/null http://127.0.0.1:{port}/"
    bare = line.split(" #", 1)[0]
    return f"{bare} &\nfor _ in $(seq 600); do {asked} && break; sleep 0.1; done; {asked}"


def pages_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.md"))

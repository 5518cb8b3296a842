"""What each cell of a notebook stands on. The one place where the rule is written. Pure.

A notebook is read from top to bottom, and a `task` cell begins a part of its own:

- `task` stands on nothing.
- `examples` stands on the task.
- `synthesize` stands on the task and on all its `examples` above.
- `promote` stands on the last `synthesize` above (or on the task), and on every `expect` since
  then: what is expected must hold before a program serves.
- `compare` stands on every `synthesize` and `promote` above.
- `try`, `expect`, `sql` and `chart` stand on the last `synthesize` or `promote` above; where
  there is none, on the task and its examples.

A cell's key is a hash of its kind, options and body, of the keys of what it stands on, of the
files it names, and of the data directory. Outputs are kept by key, so a change to any of these
makes the output stale, and undoing the change makes it fresh again. What the log holds is not
part of it: `sql` and `chart` show the log as it was when they ran.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from runtime.data_dir import DataDir
from runtime.strict_json import canonical
from workbench.notebook.document import Block, Document

FILE = "file:"


def dependencies(blocks: Sequence[Block]) -> dict[int, tuple[int, ...]]:
    """For each cell's index, the indexes of the cells it stands on directly, in order."""
    found: dict[int, tuple[int, ...]] = {}
    part: list[int] = []
    for index, block in enumerate(blocks):
        if not block.is_cell:
            continue
        if block.kind == "task":
            part = []
        found[index] = tuple(_direct(block.kind, part, blocks))
        part.append(index)
    return found


def everything_below(found: dict[int, tuple[int, ...]], index: int) -> list[int]:
    """All a cell stands on, directly or not, in the notebook's order."""
    todo, seen = [*found[index]], set[int]()
    while todo:
        each = todo.pop()
        if each not in seen:
            seen.add(each)
            todo.extend(found[each])
    return sorted(seen)


def cell_keys(document: Document, data_dir: DataDir) -> dict[int, str]:
    """Each cell's key, by its index."""
    keys: dict[int, str] = {}
    folder = document.file.parent
    for index, above in dependencies(document.blocks).items():
        block = document.blocks[index]
        parts = {
            "cell": own_hash(block),
            "file": [file_digest(path) for path in named_files(block, folder)],
            "above": [keys[each] for each in above],
            "data": str(data_dir.root),
        }
        keys[index] = hashlib.sha256(canonical(parts).encode()).hexdigest()
    return keys


def own_hash(block: Block) -> str:
    """A hash of what a cell says itself; its name does not count."""
    options = {key: value for key, value in block.options.items() if key != "name"}
    parts = canonical([block.kind, options, block.body])
    return hashlib.sha256(parts.encode("utf-8", "surrogateescape")).hexdigest()


def named_files(block: Block, folder: Path) -> Iterator[Path]:
    """The file a `task` or `examples` cell refers to, relative to the notebook's folder."""
    body = block.body.strip()
    if block.kind in ("task", "examples") and body.startswith(FILE) and "\n" not in body:
        name = body.removeprefix(FILE).strip().strip("'\"")
        if name:
            yield folder / name


def file_digest(path: Path) -> str:
    """A file's SHA-256, read again only when its size or time has changed; "" for none."""
    try:
        found = path.stat()
        return _digest(path, found.st_mtime_ns, found.st_size)
    except OSError:
        return ""


@lru_cache(maxsize=64)
def _digest(path: Path, modified_ns: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _direct(kind: str, part: Sequence[int], blocks: Sequence[Block]) -> list[int]:
    def of(*kinds: str) -> list[int]:
        return [index for index in part if blocks[index].kind in kinds]

    task, examples, made = of("task"), of("examples"), of("synthesize")
    if kind == "task":
        return []
    if kind == "examples":
        return task
    if kind == "promote":
        last = made[-1:] or task
        return [*last, *(index for index in of("expect") if index > last[0])] if last else []
    if kind == "synthesize" or not of("synthesize", "promote"):
        return [*task, *examples]
    if kind == "compare":
        return of("synthesize", "promote")
    return of("synthesize", "promote")[-1:]

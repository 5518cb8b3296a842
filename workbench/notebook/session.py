"""Outputs of a notebook's cells, kept in a folder `.loopai` beside it, never inside it.

The folder tells git to leave it alone. A damaged session is an empty one: it holds nothing that
cannot be had again by running the cells. One that a later release wrote stays as it is, and this
one keeps its own beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from runtime.data_dir import DataDir, write_atomic
from runtime.models import FORMAT_VERSION
from workbench.notebook.dependencies import cell_keys, dependencies, own_hash
from workbench.notebook.document import Document
from workbench.notebook.output import Output

FOLDER = ".loopai"
#: Outputs kept beyond those the cells show, so that undoing a change brings its output back.
KEPT_BEFORE = 20

NO_OUTCOME = ("interrupted", "skipped")

Freshness = Literal["fresh", "stale", "none"]


def beside(file: Path, suffix: str) -> Path:
    """A file of ours for a notebook, such as `.loopai/notebook.md.session.json`."""
    return file.absolute().parent / FOLDER / f"{file.name}.{suffix}"


def write_beside(path: Path, content: bytes) -> None:
    """Write a file in `.loopai`, which git is told to ignore."""
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        write_atomic(ignore, "*\n", durable=False)
    write_atomic(path, content, durable=False)


class Session:
    """The outputs of one notebook, newest last."""

    def __init__(self, path: Path, outputs: Iterable[Output] = ()) -> None:
        self.path = path
        self._outputs = list(outputs)

    @classmethod
    def read(cls, file: Path) -> Session:
        """The session beside a notebook; an empty one where there is none to be read."""
        path = beside(file, "session.json")
        data = _content(path)
        if isinstance(data.get("v"), int) and data["v"] > FORMAT_VERSION:
            path = beside(file, f"session.v{FORMAT_VERSION}.json")
            data = _content(path)
        try:
            if data["v"] == FORMAT_VERSION:
                return cls(path, [Output.from_json(each) for each in data["outputs"]])
        except (ValueError, LookupError, TypeError):
            pass  # nothing in it that running the cells does not bring back
        return cls(path)

    def put(self, output: Output) -> None:
        """Keep an output; it takes the place of one of the same key, unless that is a result
        and this is none."""
        before = self.fresh(output.key)
        if before is not None and before.has_result and output.status in NO_OUTCOME:
            return
        self._outputs = [each for each in self._outputs if each.key != output.key]
        self._outputs.append(output)

    def fresh(self, key: str) -> Output | None:
        """The output of exactly this cell over exactly these cells."""
        return next((each for each in reversed(self._outputs) if each.key == key), None)

    def latest(self, label: str, own: str) -> Output | None:
        """What a cell last gave: the same text first, else the same name."""
        same_text = (each for each in reversed(self._outputs) if each.own == own)
        same_name = (each for each in reversed(self._outputs) if each.label == label)
        return next(same_text, None) or next(same_name, None)

    def save(self, document: Document, data_dir: DataDir) -> None:
        """Write what the notebook's cells show and the newest outputs before; prune the rest."""
        shown = [state.output for state in cell_states(document, self, data_dir).values()]
        wanted = {output.key for output in shown if output}
        others = [each for each in self._outputs if each.key not in wanted][-KEPT_BEFORE:]
        kept = {each.key for each in others} | wanted
        self._outputs = [each for each in self._outputs if each.key in kept]
        data = {"v": FORMAT_VERSION, "outputs": [each.as_json() for each in self._outputs]}
        write_beside(self.path, msgspec.json.encode(data))


def _content(path: Path) -> dict[str, Any]:
    """What a session's file holds; nothing where it cannot be read."""
    try:
        data = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


class CellState(msgspec.Struct, frozen=True):
    """A cell's key, what it last gave, and whether that still stands."""

    key: str
    freshness: Freshness
    output: Output | None


def cell_states(document: Document, session: Session, data_dir: DataDir) -> dict[int, CellState]:
    """The state of each cell, by its index.

    An output is fresh when it has the cell's key, is younger than those of the cells it stands
    on, which are fresh, and what it made is still in the data directory.
    """
    states: dict[int, CellState] = {}
    standing = dependencies(document.blocks)
    for index, key in cell_keys(document, data_dir).items():
        block = document.blocks[index]
        output = session.fresh(key)
        if output is not None and output.has_result and _is_there(output, states, data_dir):
            above = [states[each] for each in standing[index]]
            if all(
                state.freshness == "fresh" and state.output and state.output.at <= output.at
                for state in above
            ):
                states[index] = CellState(key, "fresh", output)
                continue
        output = output or session.latest(block.label, own_hash(block))
        states[index] = CellState(key, "stale" if output else "none", output)
    return states


def _is_there(output: Output, states: dict[int, CellState], data_dir: DataDir) -> bool:
    """Whether what a cell made has not been removed since."""
    task = output.facts.get("task") or next(
        (
            state.output.facts["task"]
            for state in reversed(states.values())
            if state.output and "task" in state.output.facts
        ),
        None,
    )
    if task is None:
        return True
    if "version" in output.facts:
        return data_dir.artifact(task, output.facts["version"]).is_dir()
    return data_dir.task_file(task).is_file()

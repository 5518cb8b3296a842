"""The work of each kind of cell: `check` reads it, `run` does it. Found by the kind's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from runtime.models import TaskSpecification
from workbench.notebook.cells.work import Place, Work
from workbench.notebook.output import CellResult

_HOMES = {
    "task": "specify",
    "examples": "specify",
    "synthesize": "make",
    "try": "attempt",
    "expect": "expect",
    "sql": "ask",
    "chart": "ask",
    "compare": "compare",
    "promote": "promote",
}


@dataclass(frozen=True, slots=True)
class CellWork:
    """`check` reads a cell and raises LoopaiError (with lines) for what is wrong in it; for a
    `task` it gives the specification. `run` does what the cell says."""

    check: Callable[[Place, TaskSpecification | None], object]
    run: Callable[[Work], CellResult]


def work_of(kind: str) -> CellWork:
    """The work of one kind; its libraries are loaded only now."""
    module = import_module(f"{__name__}.{_HOMES[kind]}")
    return CellWork(getattr(module, f"check_{kind}"), getattr(module, f"run_{kind}"))

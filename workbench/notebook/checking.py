"""Everything wrong with a notebook that can be told without running it. Writes nothing."""

from __future__ import annotations

from runtime.errors import LoopaiError, Problem
from runtime.models import TaskSpecification
from workbench.notebook.cells import work_of
from workbench.notebook.cells.work import Place
from workbench.notebook.dependencies import dependencies
from workbench.notebook.document import Document

#: Kinds that mean nothing without a task above them.
NEED_TASK = frozenset({"synthesize", "try", "expect", "compare", "promote"})


def check_document(document: Document) -> list[Problem]:
    """Every problem of the file and of its cells, by line."""
    problems = list(document.problems)
    standing = dependencies(document.blocks)
    task: TaskSpecification | None = None
    for index in document.cells:
        block = document.blocks[index]
        place = Place(block, document.file)
        try:
            found = work_of(block.kind).check(place, task)
            if isinstance(found, TaskSpecification):
                task = found
        except LoopaiError as error:
            problems.extend(error.problems)
            task = None if block.kind == "task" else task
        if block.kind in NEED_TASK and not standing[index]:
            problems.append(
                Problem(
                    f"there is no task cell above this {block.kind} cell.",
                    document.file,
                    block.line,
                    remedy="Put a task cell before it, such as `file: task.yaml`.",
                )
            )
    return sorted(problems, key=lambda problem: problem.line or 0)

"""`task` and `examples` cells: what is to be made. They write into the data directory."""

from __future__ import annotations

from runtime.data_dir import write_atomic
from runtime.errors import InvalidInputError, Problem
from runtime.models import Example, TaskSpecification
from runtime.tasks import (
    add_examples,
    load_task,
    parse_examples,
    read_examples,
    read_task_file,
    task_of,
)
from workbench.notebook.cells.work import Place, Work
from workbench.notebook.output import CellResult, table_part, text_part

SHOWN = 5


def check_task(place: Place, task: TaskSpecification | None) -> TaskSpecification:
    """The task the cell describes."""
    file = place.named_file()
    return read_task_file(file) if file else task_of(place.yaml())


def run_task(work: Work) -> CellResult:
    """Write `task.yaml` as it stands in the cell or file, when it says something new."""
    file = work.place.named_file()
    task = check_task(work.place, None)
    text = file.read_text(encoding="utf-8") if file else work.block.body
    target = work.data_dir.task_file(task.name)
    before = target.read_text(encoding="utf-8") if target.is_file() else None
    if before != text:
        write_atomic(target, text)
    what = "made" if before is None else "as it was" if before == text else "changed"
    parts = (
        text_part(" ".join(task.description.split())),
        table_part(
            ("accuracy target", "latency target ms", "sampling rate"),
            [(task.accuracy_target, task.latency_target_ms, task.sampling_rate)],
        ),
    )
    return CellResult(f"task {task.name} {what}", parts, {"task": task.name})


def check_examples(place: Place, task: TaskSpecification | None) -> list[Example]:
    """The examples the cell holds, each held against the task's schemas."""
    if task is None:
        raise place.fail("there is no sound task cell above this one.", remedy="Put one before it.")
    file = place.named_file()
    if file:
        return read_examples(file, task)
    lines = [
        b"" if line.lstrip().startswith("#") else line.encode("utf-8", "surrogateescape")
        for line in place.block.body.split("\n")
    ]
    examples = parse_examples(lines, task, place.file, place.block.body_line)
    if not examples:
        raise place.fail(
            "holds no example.", remedy='Write lines such as {"input": {...}, "output": ...}.'
        )
    return examples


def run_examples(work: Work) -> CellResult:
    """Add the examples to the task's own; an equal input takes the new output."""
    task = work.specification()
    new = check_examples(work.place, task)
    try:
        task = load_task(work.data_dir, task.name)
    except InvalidInputError as error:
        raise InvalidInputError(
            [
                Problem(
                    "the examples already in the data directory do not fit this task:",
                    work.place.file,
                    work.block.line,
                ),
                *error.problems,
            ]
        ) from None
    changed, task = add_examples(work.data_dir, task, new)
    news = f", {changed} of them new" if changed else ", all of them known"
    rows = [(example.input, example.output) for example in new[:SHOWN]]
    return CellResult(
        f"{len(new)} examples{news}; {task.name} has {len(task.examples)}",
        (table_part(("input", "output"), rows, len(new)),),
        {"examples": len(task.examples)},
    )

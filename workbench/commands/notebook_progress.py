"""Progress of a notebook's run on standard error, and each cell's output on standard output."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Literal

from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn
from rich.rule import Rule
from rich.text import Text

from workbench.console import WIDE, out
from workbench.console import progress as console
from workbench.notebook.document import Document
from workbench.notebook.engine import Progress
from workbench.notebook.text import draw_parts, headline

Shown = Literal["outputs", "lines", "nothing"]


class NotebookProgress:
    """A line that moves for a person; a line for each step in a log."""

    def __init__(self, document: Document, shown: Shown) -> None:
        """`shown` is what goes to standard output of each cell."""
        self._document = document
        self._shown = shown
        self._bar: Bar | None = None
        if console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
            self._bar = Bar(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", total=None) if self._bar else None
        self._last_line = 0.0

    def __enter__(self) -> NotebookProgress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def report(self, progress: Progress) -> None:
        """Show one step of the run."""
        if progress.what == "done":
            if self._shown == "nothing":
                return
            self._show_done(progress)
        elif self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=step_line(progress))
        elif progress.what == "begins" or time.monotonic() - self._last_line >= 1:
            self._last_line = time.monotonic()
            console.print(step_line(progress), markup=False, soft_wrap=True)

    def _show_done(self, progress: Progress) -> None:
        assert progress.output is not None
        line = self._document.blocks[progress.index].line
        head = Text.assemble((f"{progress.label:14} ", "bold"), headline(progress.output))
        if self._shown == "lines":
            out.print(head)
            return
        out.print(Rule(Text(f"{progress.label}, line {line}", style="bold"), align="left"))
        out.print(headline(progress.output))
        width = min(out.width, WIDE)
        if progress.output.parts and progress.output.status != "skipped":
            out.print(draw_parts(progress.output.parts, width), soft_wrap=False)
        out.print()


def step_line(progress: Progress) -> str:
    """Which cell is at what, and how long the rest takes where that is known."""
    words = f"{progress.number}/{progress.total} {progress.label}"
    if progress.message:
        words += f": {progress.message}"
    if progress.left is not None and progress.left >= 1:
        words += f" (about {time_left(progress.left)} left)"
    return words


def time_left(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min"

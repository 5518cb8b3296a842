"""The line that runs cells: it works in a thread, tells how far it is, and can be stopped."""

from __future__ import annotations

import time

from textual import work
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from runtime.data_dir import DataDir
from workbench.commands.notebook_progress import step_line, time_left
from workbench.notebook.document import Document
from workbench.notebook.engine import Engine, Progress
from workbench.notebook.interruption import Interruption
from workbench.notebook.output import Output
from workbench.notebook.session import Session
from workbench.tui.worker_failures import TellsFailures


class RunLine(TellsFailures, Static):
    """Shown while cells run."""

    class Moved(Message):
        """A cell begins, says something, or has an output."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    class Ended(Message):
        """The run is over; what was reached has an output."""

        def __init__(self, outputs: list[Output]) -> None:
            super().__init__()
            self.outputs = outputs

    def __init__(self) -> None:
        super().__init__(id="run-line", markup=False)
        self._interruption: Interruption | None = None
        self._last: Progress | None = None
        self._told_at = 0.0

    def on_mount(self) -> None:
        self.display = False
        self.set_interval(0.5, self._draw)

    def on_unmount(self) -> None:
        self.interrupt()

    @property
    def running(self) -> bool:
        return self._interruption is not None

    def start(
        self, document: Document, data_dir: DataDir, session: Session, wanted: str | int
    ) -> None:
        """Run `all` or `stale` cells, or the cell of this index with what it needs."""
        self._interruption = Interruption()
        self._last = None
        self.display = True
        self.update("starting")
        self._run(document, data_dir, session, wanted, self._interruption)

    def interrupt(self) -> None:
        """Stop what runs; harmless when nothing does."""
        if self._interruption is not None:
            self._interruption.ask()
            if self.is_mounted:
                self.update("stopping")

    @work(thread=True, group="run", exit_on_error=False)
    def _run(
        self,
        document: Document,
        data_dir: DataDir,
        session: Session,
        wanted: str | int,
        interruption: Interruption,
    ) -> None:
        worker = get_current_worker()
        outputs: list[Output] = []

        def report(progress: Progress) -> None:
            if not worker.is_cancelled:
                self.post_message(self.Moved(progress))

        try:
            engine = Engine(document, data_dir, session, report, interruption)
            if isinstance(wanted, int):
                cells = engine.with_what_it_needs(wanted)
            else:
                cells = engine.all_cells() if wanted == "all" else engine.stale_cells()
            outputs = engine.run(cells)
        finally:
            if not worker.is_cancelled:
                self.post_message(self.Ended(outputs))

    def on_run_line_moved(self, message: RunLine.Moved) -> None:
        self._last, self._told_at = message.progress, time.monotonic()
        self._draw()

    def on_run_line_ended(self) -> None:
        self._interruption = None
        self.display = False

    def _draw(self) -> None:
        """The last progress, its time left counted down."""
        if not self.running or self._last is None or self._interruption is None:
            return
        if self._interruption.asked:
            return
        words = step_line(self._last).partition(" (about")[0]
        since = time.monotonic() - self._told_at
        if self._last.left is not None and since <= self._last.left + 1:
            words += f"  about {time_left(max(1.0, self._last.left - since))} left"
        elif self._last.elapsed + since >= 1:
            words += f"  {self._last.elapsed + since:.0f} s"
        self.update(f"▶ {words}  (x stops)")

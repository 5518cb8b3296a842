"""Runs a notebook's cells in order, each on what the cells above it gave. Has no screen.

It may be interrupted at any moment; what a cell writes is written whole or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from runtime.clock import format_time, utc_now
from runtime.data_dir import DataDir
from runtime.errors import LoopaiError, Problem
from workbench.notebook.cells import work_of
from workbench.notebook.cells.work import Place, Say, Work
from workbench.notebook.dependencies import (
    cell_keys,
    dependencies,
    everything_below,
    own_hash,
)
from workbench.notebook.document import Document
from workbench.notebook.interruption import InterruptedRunError, Interruption
from workbench.notebook.output import CellResult, Output, problem_parts
from workbench.notebook.session import Session, cell_states

#: How long a cell that never ran is taken to last; a synthesis says nothing until it is known.
GUESSED_SECONDS = 0.5


What = Literal["begins", "says", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: cell `index` (number `number` of `total`) begins, says something or has
    an output. `left` is in seconds, None while it cannot be told."""

    what: What
    index: int
    label: str
    number: int
    total: int
    elapsed: float
    left: float | None
    message: str = ""
    output: Output | None = None


Report = Callable[[Progress], None]


class Engine:
    """Runs cells of one document over one data directory, into one session."""

    def __init__(
        self,
        document: Document,
        data_dir: DataDir,
        session: Session,
        report: Report = lambda progress: None,
        interruption: Interruption | None = None,
    ) -> None:
        self.document = document
        self.data_dir = data_dir
        self.session = session
        self.interruption = interruption or Interruption()
        self._report = report
        self._above = dependencies(document.blocks)
        self._keys = cell_keys(document, data_dir)
        #: How much of the running cell is done, where its work can tell.
        self._fraction: float | None = None
        self._started = 0.0

    def all_cells(self) -> list[int]:
        """Every cell, in order."""
        return list(self._above)

    def stale_cells(self) -> list[int]:
        """The cells without a fresh output, in order."""
        states = cell_states(self.document, self.session, self.data_dir)
        return [index for index, state in states.items() if state.freshness != "fresh"]

    def with_what_it_needs(self, index: int) -> list[int]:
        """A cell after those it stands on that are stale."""
        needed = everything_below(self._above, index)
        stale = set(self.stale_cells())
        return [*(each for each in needed if each in stale), index]

    def run(self, wanted: Iterable[int]) -> list[Output]:
        """Run the wanted cells in the notebook's order; an output for each that was reached.

        A cell that stands on one without a result is skipped, and told why. Nothing that a cell
        says is wrong raises; OSError does, when the disk refuses.
        """
        order = sorted(set(wanted))
        outputs: list[Output] = []
        for number, index in enumerate(order, start=1):
            self._started = time.monotonic()
            self._fraction = None
            tell = partial(self._tell, index, number, order)
            tell("begins")
            output = self._run_cell(index, partial(self._say, tell))
            block = self.document.blocks[index]
            output = replace(
                output,
                key=self._keys[index],
                own=own_hash(block),
                seconds=round(time.monotonic() - self._started, 3),
                at=format_time(utc_now()),
            )
            self.session.put(output)
            self.session.save(self.document, self.data_dir)
            outputs.append(output)
            tell("done", output.summary, output)
            if output.status == "interrupted":
                break
        return outputs

    def _run_cell(self, index: int, say: Say) -> Output:
        block = self.document.blocks[index]
        blocked = self._blocked_by(index)
        if blocked is not None:
            return Output(block.label, block.kind, "skipped", blocked)
        place = Place(block, self.document.file)
        work = Work(place, self.data_dir, self.interruption, *self._given(index), say=say)
        try:
            self.interruption.check()
            result: CellResult = work_of(block.kind).run(work)
        except InterruptedRunError:
            return Output(block.label, block.kind, "interrupted", "interrupted")
        except LoopaiError as error:
            first = error.problems[0]
            return Output(block.label, block.kind, "error", str(first), problem_parts(error))
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            # A fault of ours in one cell is shown there, and does not take the notebook down.
            problem = Problem(f"this cell failed in a way that is our fault: {error!r}.")
            shown = problem_parts(LoopaiError(problem))
            return Output(block.label, block.kind, "error", str(problem), shown)
        status: Literal["ok", "failed"] = "failed" if result.failed else "ok"
        return Output(block.label, block.kind, status, result.summary, result.parts, result.facts)

    def _blocked_by(self, index: int) -> str | None:
        """Why a cell cannot run: one above it has no result, or an expectation does not hold."""
        promotes = self.document.blocks[index].kind == "promote"
        for each in self._above[index]:
            block, output = self.document.blocks[each], self._output(each)
            if output is None:
                return f"{block.label} above has not run"
            if not output.has_result:
                return f"{block.label} above has no result ({output.status})"
            if promotes and output.status == "failed":
                return f"{block.label} above does not hold"
        return None

    def _given(self, index: int) -> tuple[str | None, tuple[int, ...]]:
        """The task and the versions that the cells a cell stands on have given, oldest first."""
        task: str | None = None
        versions: list[int] = []
        for each in everything_below(self._above, index):
            facts: dict[str, Any] = dict(getattr(self._output(each), "facts", {}))
            task = facts.get("task", task)
            if "version" in facts:
                versions.append(int(facts["version"]))
        return task, tuple(versions)

    def _output(self, index: int) -> Output | None:
        block = self.document.blocks[index]
        return self.session.fresh(self._keys[index]) or self.session.latest(
            block.label, own_hash(block)
        )

    def _say(
        self, tell: Callable[[What, str], None], what: str, fraction: float | None = None
    ) -> None:
        self._fraction = fraction
        tell("says", what)

    def _tell(
        self,
        index: int,
        number: int,
        order: list[int],
        what: What,
        message: str = "",
        output: Output | None = None,
    ) -> None:
        elapsed = time.monotonic() - self._started
        times = [self._expected(each) for each in order[number:]]
        if what != "done":
            times.append(self._left_of(index, elapsed))
        left = None if None in times else sum(each for each in times if each is not None)
        label = self.document.blocks[index].label
        self._report(
            Progress(what, index, label, number, len(order), elapsed, left, message, output)
        )

    def _left_of(self, index: int, elapsed: float) -> float | None:
        """Of the running cell: by how long it took before, else by how much of it is done.

        Nothing is said of one that takes longer than was thought and cannot tell how far it is.
        """
        expected = self._expected(index)
        if self._fraction and (expected is None or not self._ran(index) or elapsed > expected):
            return elapsed / self._fraction - elapsed
        return None if expected is None or elapsed > expected else expected - elapsed

    def _ran(self, index: int) -> bool:
        block = self.document.blocks[index]
        before = self.session.latest(block.label, own_hash(block))
        return before is not None and before.has_result

    def _expected(self, index: int) -> float | None:
        """How long a cell took the last time; a guess for quick ones that never ran."""
        block = self.document.blocks[index]
        before = self.session.latest(block.label, own_hash(block))
        if before is not None and before.has_result:
            return before.seconds
        return None if block.kind == "synthesize" else GUESSED_SECONDS

"""Writes the executions of a turn to the log and has them answered once they are in it.

Where every line must be on the disk first, a thread waits for the disk, and all that ends
meanwhile is written together next (group commit); else the write is to the kernel's memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from time import monotonic
from typing import NamedTuple

from runtime.datasets.log import ExecutionLog, LogUnwritableError
from runtime.server.answers import Answer, problem
from runtime.server.execution import Job, Outcome
from runtime.server.metrics import Metrics

logger = logging.getLogger("loopai.server")

Deliver = Callable[[Sequence[Job], Sequence[Outcome | Answer]], None]


class _Turn(NamedTuple):
    jobs: Sequence[Job]
    outcomes: Sequence[Outcome]
    moment: datetime
    since: float


class LogKeeper:
    """Keeps one task's log for its lane. On the event loop only."""

    def __init__(self, name: str, log: ExecutionLog, metrics: Metrics, deliver: Deliver) -> None:
        self._name = name
        self._log = log
        self._metrics = metrics
        self._deliver = deliver
        self._waiting: list[_Turn] = []
        self._commit: asyncio.Future[list[int]] | None = None
        self._since = 0.0

    async def open(self) -> None:
        """Set aside what a crash left in the log."""
        with contextlib.suppress(OSError):  # the first append meets it too, and reports it
            await asyncio.to_thread(self._log.recover)

    async def close(self) -> None:
        """Close the log; nothing may wait to be written."""
        await asyncio.to_thread(self._log.close)

    def lag(self) -> float:
        """The age of the oldest line that is not yet written, in seconds; 0 when all are."""
        return monotonic() - self._since if self._commit is not None else 0.0

    def keep(self, jobs: Sequence[Job], outcomes: Sequence[Outcome], moment: datetime) -> None:
        """Write what came of jobs, and deliver it: what could not be written as a problem."""
        if self._log.durability == "disk":
            self._waiting.append(_Turn(jobs, outcomes, moment, monotonic()))
            self._commit_next()
            return
        if self._log.durability == "none":
            self._deliver(jobs, outcomes)
        written = self._append([outcome.line for outcome in outcomes], moment)
        self._count(outcomes, written)
        if self._log.durability != "none":
            self._deliver(jobs, self._answered(outcomes, written))

    def _commit_next(self) -> None:
        if self._commit is not None or not self._waiting:
            return
        turns, self._waiting = self._waiting, []
        self._since = turns[0].since
        loop = asyncio.get_running_loop()
        self._commit = loop.run_in_executor(None, self._write, turns)
        self._commit.add_done_callback(lambda done: self._committed(turns, done.result()))

    def _write(self, turns: Sequence[_Turn]) -> list[int]:
        """How many outcomes of each turn are on the disk. On a thread, one at a time."""
        written: list[int] = []
        for _, of_a_day in groupby(turns, key=lambda turn: turn.moment.date()):
            group = list(of_a_day)
            lines = [outcome.line for turn in group for outcome in turn.outcomes]
            left = self._append(lines, group[-1].moment)
            for turn in group:
                written.append(min(left, len(turn.outcomes)))
                left -= written[-1]
        return written

    def _append(self, lines: Sequence[bytes], moment: datetime) -> int:
        """How many of the lines are in the log; whatever happens, the rest is not."""
        try:
            self._log.append(lines, moment)
        except LogUnwritableError as refusal:
            return refusal.written
        except Exception:
            logger.exception("could not write the log of %s", self._name)
            return 0
        return len(lines)

    def _committed(self, turns: Sequence[_Turn], written: Sequence[int]) -> None:
        self._commit = None
        self._commit_next()
        for turn, count in zip(turns, written, strict=True):
            self._count(turn.outcomes, count)
            self._deliver(turn.jobs, self._answered(turn.outcomes, count))

    def _count(self, outcomes: Sequence[Outcome], written: int) -> None:
        if written < len(outcomes):
            self._metrics.log_write_errors.labels(self._name).inc()
            self._metrics.count_batch(self._name, outcomes[:written], len(outcomes))
        else:
            self._metrics.count_batch(self._name, outcomes, len(outcomes))

    def _answered(self, outcomes: Sequence[Outcome], written: int) -> Sequence[Outcome | Answer]:
        if written == len(outcomes):
            return outcomes
        refused = problem(
            "log-unwritable",
            f"The execution log cannot be written: {self._log.problem}.",
            (b"retry-after", b"1"),
        )
        return [*outcomes[:written], *[refused] * (len(outcomes) - written)]

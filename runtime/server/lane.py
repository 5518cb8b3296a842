"""One task's way through the server: a bounded queue, one thread, one sandbox call and one log
append for all requests that arrived in the same turn of the event loop.

This is the seam between the event loop and the blocking sandbox; nothing else knows both.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from queue import SimpleQueue

from runtime.clock import Clock, utc_now
from runtime.datasets.log import ExecutionLog, LogUnwritableError
from runtime.errors import LoopaiError
from runtime.sandbox import Sandbox
from runtime.server.answers import Answer, problem
from runtime.server.execution import Job, Outcome, Serving, describe, run_jobs
from runtime.server.metrics import Metrics

# One program that never ends holds up its whole batch, so a batch is no larger than pays.
MAX_BATCH = 256

logger = logging.getLogger("loopai.server")

Waiting = tuple[Job, "asyncio.Future[Answer]"]


class Lane:
    """Takes the jobs of one task from the event loop and answers each of them once."""

    def __init__(
        self,
        name: str,
        sandbox: Sandbox,
        log: ExecutionLog,
        metrics: Metrics,
        max_queue: int,
        clock: Clock = utc_now,
    ) -> None:
        self.name = name
        self.log = log
        self.max_queue = max_queue
        #: What new requests are answered with; None while no program is active.
        self.serving: Serving | None = None
        #: Jobs accepted and not yet answered.
        self.in_flight = 0
        self._sandbox = sandbox
        self._metrics = metrics
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []
        self._scheduled = False
        self._busy = False
        self._delivered = asyncio.Event()
        self._batches: SimpleQueue[list[Waiting] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"lane-{name}", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> asyncio.Future[Answer] | None:
        """The answer to come, or None when the queue is full. On the event loop only."""
        if self.in_flight >= self.max_queue:
            return None
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting.append((job, future))
        self.in_flight += 1
        if not self._busy and not self._scheduled:
            # Runs after everything else that is ready in this turn has submitted its job too.
            self._scheduled = True
            self._loop.call_soon(self._hand_over)
        return future

    async def room(self) -> None:
        """Wait until the queue takes another job."""
        while self.in_flight >= self.max_queue:
            await self._next_delivery()

    async def close(self) -> None:
        """Take no more jobs, answer what is waiting, end the thread and close the log."""
        self.serving = None
        while self.in_flight:
            await self._next_delivery()
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)
        self.log.close()

    async def _next_delivery(self) -> None:
        self._delivered.clear()
        await self._delivered.wait()

    def _hand_over(self) -> None:
        self._scheduled = False
        if self._busy or not self._waiting:
            return
        batch = self._waiting[:MAX_BATCH]
        self._waiting = self._waiting[MAX_BATCH:]
        self._busy = True
        self._batches.put(batch)

    def _deliver(self, batch: list[Waiting], answers: Sequence[Answer]) -> None:
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():  # a client that has gone may have cancelled it
                future.set_result(answer)
        self.in_flight -= len(batch)
        self._busy = False
        self._delivered.set()
        self._hand_over()

    def _work(self) -> None:
        with contextlib.suppress(OSError):  # the first append meets it too, and reports it
            self.log.recover()
        while (batch := self._batches.get()) is not None:
            jobs = [job for job, _ in batch]
            moment, outcomes, answers = self._run(jobs)
            if self.log.durability == "none":
                self._loop.call_soon_threadsafe(self._deliver, batch, answers)
                self._record(outcomes, moment)
            else:
                written = self._record(outcomes, moment)
                if written < len(outcomes):
                    answers[written:] = [self._not_logged()] * (len(outcomes) - written)
                self._loop.call_soon_threadsafe(self._deliver, batch, answers)

    def _run(self, jobs: Sequence[Job]) -> tuple[datetime, list[Outcome], list[Answer]]:
        """The outcomes to log (none when the sandbox itself failed) and an answer for each job."""
        try:
            results = run_jobs(self._sandbox, jobs)
            moment = self._clock()
            outcomes = describe(jobs, results, moment)
        except Exception as error:
            logger.exception("the sandbox failed a batch of %d of %s", len(jobs), self.name)
            reason = str(error) if isinstance(error, LoopaiError) else "see the server's log"
            failed = problem("internal-error", f"The sandbox could not run it: {reason}")
            return self._clock(), [], [failed] * len(jobs)
        return moment, outcomes, [outcome.answer for outcome in outcomes]

    def _record(self, outcomes: Sequence[Outcome], moment: datetime) -> int:
        """Append the outcomes to the log; returns how many of them are in it."""
        if not outcomes:
            return 0
        written = len(outcomes)
        try:
            self.log.append([outcome.line for outcome in outcomes], moment)
        except LogUnwritableError as refusal:
            written = refusal.written
            self._metrics.log_write_errors.labels(self.name).inc()
        self._metrics.count_batch(self.name, outcomes[:written], len(outcomes))
        return written

    def _not_logged(self) -> Answer:
        return problem(
            "log-unwritable",
            f"The execution log cannot be written: {self.log.problem}.",
            (b"retry-after", b"1"),
        )

"""One task's way through the server: a bounded queue, and for all executions that end in the same
turn of the event loop one append to the log before their answers leave.

It hands its jobs to the sandbox's pool and never waits itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial

from runtime.clock import Clock, utc_now
from runtime.datasets.log import ExecutionLog
from runtime.sandbox.pool import Pool
from runtime.sandbox.program import Program
from runtime.sandbox.protocol import Answer as ProgramAnswer
from runtime.server.answers import Answer, problem
from runtime.server.execution import Job, Outcome, Serving, describe
from runtime.server.log_keeper import LogKeeper
from runtime.server.metrics import Metrics

#: Of the queue, and of each hand-over, what is kept from batches, or for them: one in so many.
RESERVED = 4

logger = logging.getLogger("loopai.server")


class Lane:
    """Takes the jobs of one task from the event loop and answers each of them once."""

    def __init__(
        self,
        name: str,
        pool: Pool,
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
        self._pool = pool
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._alone: deque[Job] = deque()
        self._of_batches: deque[Job] = deque()
        self._delivered = asyncio.Event()
        self._keeper = LogKeeper(name, log, metrics, self._deliver)
        most = max_queue - max_queue // RESERVED
        self._most_of_batches = min(most, max_queue - 1) or 1
        pool.add(self)

    async def open(self) -> None:
        """Set aside what a crash left in the log, before anything is written to it."""
        await self._keeper.open()

    def submit(self, job: Job) -> asyncio.Future[Answer] | None:
        """The answer to come, or None when the queue is full. On the event loop only."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        job.reply = partial(_resolve, future)
        return future if self.accept(job) else None

    def accept(self, job: Job) -> bool:
        """Take a job that has its `reply`; False when the queue is full."""
        if self.in_flight >= self.max_queue:
            return False
        self._alone.append(job)
        self.in_flight += 1
        self._pool.wake(self)
        return True

    def submit_batch(self, jobs: Sequence[Job]) -> None:
        """Take jobs of a batch, at most as many as `room` says; each has its `reply`."""
        self._of_batches.extend(jobs)
        self.in_flight += len(jobs)
        self._pool.wake(self)

    async def room(self) -> int:
        """Wait until the queue takes jobs of a batch; how many. Some of it is always left to
        requests of their own."""
        while self.in_flight >= self._most_of_batches:
            await self._next_delivery()
        return self._most_of_batches - self.in_flight

    async def close(self) -> None:
        """Take no more jobs, answer what is waiting, and close the log."""
        self.serving = None
        while self.in_flight:
            await self._next_delivery()
        self._pool.remove(self)
        await self._keeper.close()

    def log_lag(self) -> float:
        """The age of the oldest line that is to be written and is not yet, in seconds."""
        return self._keeper.lag()

    # For the pool

    def waiting(self) -> int:
        """How many jobs wait for a worker."""
        return len(self._alone) + len(self._of_batches)

    def take(self, most: int) -> tuple[Program, Sequence[Job]]:
        """The next jobs, all of one program: those of their own first, but not all of the room."""
        first = self._alone or self._of_batches
        serving = first[0].serving
        kept = most // RESERVED if self._of_batches else 0
        jobs = _take_of(serving, self._alone, most - kept)
        if self._of_batches:
            jobs += _take_of(serving, self._of_batches, most - len(jobs))
        return serving.program, jobs

    def give_back(self, items: Sequence[Job]) -> None:
        """Have jobs wait again, before all others."""
        for job in reversed(items):
            (self._alone if job.index < 0 else self._of_batches).appendleft(job)

    def settle(self, items: Sequence[Job], answers: Sequence[ProgramAnswer]) -> None:
        """Log what came of jobs, and answer them."""
        moment = self._clock()
        try:
            outcomes = describe(items, answers, moment)
        except Exception:
            logger.exception("could not describe %d executions of %s", len(items), self.name)
            failed = problem("internal-error", "The server failed; see its log.")
            self._deliver(items, [failed] * len(items))
            return
        self._keeper.keep(items, outcomes, moment)

    def refuse(self, reason: str) -> None:
        """Answer all that waits: there is nothing to run it."""
        jobs = [*self._alone, *self._of_batches]
        self._alone.clear()
        self._of_batches.clear()
        refused = problem("sandbox-unavailable", reason, (b"retry-after", b"1"))
        self._deliver(jobs, [refused] * len(jobs))

    def _deliver(self, jobs: Sequence[Job], outcomes: Sequence[Outcome | Answer]) -> None:
        for job, outcome in zip(jobs, outcomes, strict=True):
            try:
                if job.reply is not None:
                    job.reply(job, outcome)
            except Exception:  # of one caller: the others get theirs
                logger.exception("could not answer a caller of %s", self.name)
        self.in_flight -= len(jobs)
        self._delivered.set()

    async def _next_delivery(self) -> None:
        self._delivered.clear()
        await self._delivered.wait()


def _take_of(serving: Serving, waiting: deque[Job], most: int) -> list[Job]:
    """Take at most `most` that are to be answered by `serving`, the first ones first."""
    if len(waiting) <= most and all(job.serving is serving for job in waiting):
        jobs = [*waiting]
        waiting.clear()
        return jobs
    taken: list[Job] = []
    passed: list[Job] = []  # while two versions share the traffic, each gets whole hand-overs
    while waiting and len(taken) < most and len(passed) < most:
        job = waiting.popleft()
        (taken if job.serving is serving else passed).append(job)
    waiting.extendleft(reversed(passed))
    return taken


def _resolve(future: asyncio.Future[Answer], job: Job, outcome: Outcome | Answer) -> None:
    if not future.done():  # a client that has gone may have cancelled it
        future.set_result(outcome.answer() if isinstance(outcome, Outcome) else outcome)

"""The workers of a pool: who is there, who is idle, how many there should be.

It keeps the counts right; who runs what, the pool decides.
"""

from __future__ import annotations

from time import monotonic

from runtime.sandbox.pool_worker import PoolWorker
from runtime.sandbox.program import Program

#: Workers that may be stuck beside those that work, for each of these.
STUCK_EACH = 3
#: Workers raised beside stuck ones stay so long: who was stuck often is soon stuck again.
SECONDS_TO_KEEP = 10.0


class Crew:
    """At most `workers` that work, one more warm, and those that are stuck with one input."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.all: set[PoolWorker] = set()
        #: Ready and without work, the one that worked last at the end: it is the warmest.
        self.idle: list[PoolWorker] = []
        self.working = 0
        self.stuck = 0
        self._keep_all_until = 0.0

    def may_begin(self) -> bool:
        """Whether another may begin to work."""
        return bool(self.idle) and self.working < self.workers

    def may_get_stuck(self) -> bool:
        """Whether another may be stuck beside those that work."""
        return self.stuck < STUCK_EACH * self.workers

    def is_complete(self) -> bool:
        """Whether all are there and idle."""
        return not self.working and not self.stuck and len(self.idle) == len(self.all)

    def missing(self, expected: int) -> int:
        """How many to raise, beside those that are expected."""
        return max(0, self.workers + 1 + self.stuck - len(self.all) - expected)

    def has_one_too_many(self) -> bool:
        """Whether one without work can go."""
        too_many = len(self.all) > self.workers + 1 + self.stuck
        return too_many and monotonic() > self._keep_all_until

    def begin(self, program: Program) -> PoolWorker:
        """The idle worker that is to run a program: one that holds it, where there is one."""
        idle, digest = self.idle, program.digest
        self.working += 1
        for at in range(len(idle) - 1, -1, -1):
            if digest in idle[at].process.loaded:
                return idle.pop(at)
        return idle.pop()

    def get_stuck(self, worker: PoolWorker) -> None:
        """A worker that works is stuck: another may work in its place."""
        worker.is_stuck = True
        self.working -= 1
        self.stuck += 1
        self._keep_all_until = monotonic() + SECONDS_TO_KEEP

    def end(self, worker: PoolWorker) -> None:
        """A worker works no more."""
        if worker.is_stuck:
            worker.is_stuck = False
            self.stuck -= 1
        else:
            self.working -= 1

    def take_idle(self, program: Program) -> PoolWorker | None:
        """An idle worker that lacks a program, to load it; None when each has it or works."""
        for at, worker in enumerate(self.idle):
            if worker.lacks(program.digest):
                return self.idle.pop(at)
        return None

    def remove(self, worker: PoolWorker) -> bool:
        """Be rid of a worker; False when it is gone already."""
        if worker not in self.all:
            return False
        self.all.discard(worker)
        if worker in self.idle:
            self.idle.remove(worker)
        worker.detach()
        worker.process.close()
        return True

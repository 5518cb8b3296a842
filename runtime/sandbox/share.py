"""What one queue of inputs may have of a pool's workers, so that a slow one starves no other.

Decisions only: it knows counts and times, and no worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from runtime.sandbox.program import Program
from runtime.sandbox.protocol import Answer

# What is handed over at once should take about so long (seconds), and is never more than so many.
TARGET_SECONDS = 0.004
MOST_AT_ONCE = 1024
# What an item costs beside its own time (seconds).
OVERHEAD = 4e-6
FIRST_COST = 16e-6
# A queue uses one worker while that answers quickly: fewer, larger messages cost less.
SPREAD_SECONDS = 0.002
MAX_WORKERS_EACH = 3


class Queue(Protocol):
    """Inputs that wait for a worker; a pool takes them and settles each once."""

    name: str

    def waiting(self) -> int:
        """How many wait."""

    def take(self, most: int) -> tuple[Program, Sequence[Any]]:
        """At least one and at most `most` waiting items, all of one program."""

    def give_back(self, items: Sequence[Any]) -> None:
        """Items that were taken and have no answer: they are the first to be taken again."""

    def settle(self, items: Sequence[Any], answers: Sequence[Answer]) -> None:
        """Items that were taken, and their answers."""

    def refuse(self, reason: str) -> None:
        """No worker can be had: whatever waits is not run."""


class Share:
    """One queue's part of a pool."""

    def __init__(self, queue: Queue, workers: int) -> None:
        self.queue = queue
        self.is_hungry = False
        #: Workers that run inputs of the queue, and those that are stuck with one.
        self.running = 0
        self.stuck = 0
        self._last_began = 0.0
        self._cost = FIRST_COST
        self._workers = workers

    @property
    def most(self) -> int:
        """How many items to hand to a worker at once."""
        return max(1, min(MOST_AT_ONCE, int(TARGET_SECONDS / self._cost)))

    @property
    def is_slow(self) -> bool:
        """Whether its items take so long that each may keep a worker from others."""
        return self._cost > TARGET_SECONDS

    def may_begin(self, now: float) -> bool:
        """Whether another worker may take items of the queue."""
        if not self.running and not self.stuck:
            return True
        if self.running + self.stuck >= MAX_WORKERS_EACH or self.running >= self._workers:
            return False
        if not self.running or now - self._last_began > SPREAD_SECONDS:
            return True
        return self.queue.waiting() >= self.most

    def begin(self, now: float) -> None:
        """Note that a worker takes items."""
        self.running += 1
        self._last_began = now

    def get_stuck(self) -> None:
        """A worker that runs items of the queue is stuck with one."""
        self.running -= 1
        self.stuck += 1

    def end(self, *, was_stuck: bool) -> None:
        """A worker runs items of the queue no more."""
        if was_stuck:
            self.stuck -= 1
        else:
            self.running -= 1

    def note_time(self, items: int, seconds: float) -> None:
        """Learn what an item costs from the time some took in the worker itself: how long the
        machine makes a message wait says nothing about how large it should be."""
        cost = seconds / items + OVERHEAD
        self._cost += 0.2 * (cost - self._cost)

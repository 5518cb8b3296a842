"""The clock of a pool: holds what runs to its limit, and sees which worker is stuck with one input.

It looks every few milliseconds while anything runs, and not at all while nothing does.
"""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from runtime.sandbox.attempt import Attempt
from runtime.sandbox.crew import Crew
from runtime.sandbox.pool_worker import NEVER, PoolWorker
from runtime.sandbox.turns import Turns

if TYPE_CHECKING:
    from runtime.sandbox.pool import Pool

TICK_SECONDS = 0.005
STUCK_SECONDS = 0.015
STUCK_CPU_SECONDS = 0.004
#: Who waits is told that no worker can be had once there was none for so long.
SECONDS_WITHOUT = 5.0


class PoolWatch:
    """Looks at the workers of one pool. On its event loop only."""

    def __init__(
        self, pool: Pool, crew: Crew, turns: Turns, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._pool = pool
        self._crew = crew
        self._turns = turns
        self._loop = loop
        self._tick: asyncio.TimerHandle | None = None
        self._deserted_since = NEVER
        self._closed = False

    def arm(self) -> None:
        """Look soon: something is under way."""
        if self._tick is None and not self._closed:
            self._tick = self._loop.call_later(TICK_SECONDS, self._look)

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        if self._tick is not None:
            self._tick.cancel()

    def _look(self) -> None:
        self._tick = None
        pool = self._pool
        now = monotonic()
        for worker in pool.everybody():
            attempt = worker.attempt
            if attempt is not None:
                attempt.observe(*worker.process.running(), now)
                if _is_late(worker, attempt, now):
                    # This loop may be the late one: what has arrived since counts.
                    worker.listen()
                    if worker.attempt is attempt:
                        self._judge(worker, attempt, now)
            elif now > worker.deadline:
                pool.lost(worker, TimeoutError())
        pool.go_on()
        self._look_for_anybody(now)
        if not self._crew.is_complete() or self._turns.anybody_waits():
            self.arm()

    def _judge(self, worker: PoolWorker, attempt: Attempt[Any], now: float) -> None:
        if attempt.left(now) <= 0:
            self._pool.lost(worker, TimeoutError())
        elif worker.share is not None and self._has_used_time(worker, attempt):
            self._pool.let_others_go_on(worker, attempt, worker.share)

    def _has_used_time(self, worker: PoolWorker, attempt: Attempt[Any]) -> bool:
        """Whether a worker that stands still does so by itself: one that the machine gives no
        time to is helped by no other."""
        used = worker.process.cpu_seconds()
        if worker.late_since != attempt.stands_since():
            worker.late_since, worker.cpu_when_late = attempt.stands_since(), used
        return used == inf or used - worker.cpu_when_late > STUCK_CPU_SECONDS

    def _look_for_anybody(self, now: float) -> None:
        if self._crew.all or not self._turns.anybody_waits():
            self._deserted_since = NEVER
        elif self._deserted_since == NEVER:
            self._deserted_since = now
        elif now - self._deserted_since > SECONDS_WITHOUT:
            self._pool.refuse_all()


def _is_late(worker: PoolWorker, attempt: Attempt[Any], now: float) -> bool:
    stands = now - attempt.stands_since()
    return attempt.left(now) <= 0 or (not worker.is_stuck and stands > STUCK_SECONDS)

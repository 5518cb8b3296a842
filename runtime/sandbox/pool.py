"""Runs programs in jailed workers without ever blocking the event loop: who runs what, and when.

Queues are served in turn. An input that keeps its worker for long (`STUCK_SECONDS`) gives the
worker's other inputs back and its place up: the next one goes on while it runs to its limit.
So one slow input delays its neighbours by milliseconds, and a queue full of them no other queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from runtime.errors import LoopaiError
from runtime.sandbox import protocol
from runtime.sandbox.attempt import Attempt
from runtime.sandbox.crew import Crew
from runtime.sandbox.limits import Limits
from runtime.sandbox.loading import Loading
from runtime.sandbox.nursery import Nursery
from runtime.sandbox.pool_watch import STUCK_SECONDS, PoolWatch
from runtime.sandbox.pool_worker import NEVER, PoolWorker
from runtime.sandbox.program import Program, expect_every_wall
from runtime.sandbox.protocol import Answer, Kind, ProtocolError
from runtime.sandbox.share import Queue, Share
from runtime.sandbox.turns import Turns

#: Told why a worker was ended, and the queue it worked for ("" for none).
Ended = Callable[[str, str], None]


class Pool:
    """At most `workers` at work, one more warm, and some that are stuck. On one event loop only.

    `ended` is told of each worker that was killed or lost: "timeout", "memory", "lost" (it died),
    "protocol" (it sent nonsense), "load" (a module level that ran too long), "recycled".
    """

    def __init__(
        self, limits: Limits, workers: int = 2, ended: Ended = lambda reason, name: None
    ) -> None:
        self.limits = limits
        self.workers = workers
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._crew = Crew(workers)
        self._turns = Turns(workers)
        self._nursery = Nursery(limits, self._loop, self, self._born)
        self._loading = Loading(self, self._crew, limits)
        self._watch = PoolWatch(self, self._crew, self._turns, self._loop)
        self._scheduled = False
        self._closed = False
        self._walls: asyncio.Future[tuple[protocol.Wall, ...]] = self._loop.create_future()

    async def start(self, *, require_isolation: bool = False) -> None:
        """Return once a worker is ready. Raises LoopaiError when none can be had, or when a wall
        does not hold and `require_isolation` says that each must."""
        self._grow()
        self._watch.arm()
        walls = await self._walls
        if require_isolation:
            expect_every_wall(walls)

    async def prepare(self, program: Program) -> None:
        """Load a program everywhere, one worker at a time, and into every later worker before it
        is needed. Raises GateError when its module level fails."""
        await self._loading.prepare(program)

    def add(self, queue: Queue) -> None:
        """Serve a queue; `wake` says that something waits in it."""
        self._turns.add(queue)

    def remove(self, queue: Queue) -> None:
        """Forget a queue in which nothing waits or runs."""
        self._turns.remove(queue)

    def wake(self, queue: Queue) -> None:
        """Have what waits in a queue run, together with all else that comes in this turn."""
        self._turns.wake(queue)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._dispatch)

    async def close(self) -> None:
        """End every worker. What still waits is answered by nobody."""
        self._closed = True
        self._watch.close()
        for worker in self.everybody():
            self._crew.remove(worker)
        self._loading.close()
        await self._nursery.close()

    # What the workers say

    def heard(self, worker: PoolWorker, kind: Kind, data: bytes) -> None:
        """Take a frame from a worker. Raises ProtocolError."""
        attempt = worker.attempt
        if attempt is not None:
            items, answers = attempt.take(kind, data)
            share = worker.share
            assert share is not None
            if attempt.is_over:
                self._finish(worker, attempt, share)
            elif attempt.spent:
                self.release(worker, share)
                share.queue.give_back(attempt.unanswered())
                self._end(worker, "memory", share)
                self._wake_share(share)
            if items:
                share.queue.settle(items, answers)
        elif worker.loading is not None:
            self._loading.loaded(worker, kind, data)
        elif worker.process.walls is None:
            if kind is not Kind.READY:
                raise ProtocolError(f"expected READY, got {kind.name}")
            worker.process.walls = tuple(protocol.decode(data, protocol.Ready).walls)
            worker.deadline = NEVER
            if not self._walls.done():
                self._walls.set_result(worker.process.walls)
            self.rest(worker)
        else:
            raise ProtocolError(f"it sent {kind.name} unasked")

    def lost(self, worker: PoolWorker, error: Exception) -> None:
        """A worker died, sent nonsense or ran over its time: blame one input, save the others."""
        attempt, share = worker.attempt, worker.share
        reason = "protocol" if isinstance(error, ProtocolError) else "lost"
        worker.detach()
        if attempt is not None and share is not None:
            self._take_leftovers(worker, attempt, share)
            position, _ = worker.process.running()
            accident = not self._nursery.server_lives()
            blamed = attempt.blame(position, error, accident=accident)
            unanswered = attempt.unanswered()
            if blamed is not None:
                item, answer = blamed
                unanswered = [other for other in unanswered if other is not item]
                if isinstance(error, TimeoutError):
                    reason = "timeout"
            self.release(worker, share)
            share.queue.give_back(unanswered)
            self._end(worker, reason, share)
            if blamed is not None:
                share.queue.settle([item], [answer])
        else:
            self._end(worker, "load" if isinstance(error, TimeoutError) else reason, share)
            if worker.loading is not None:
                accident = not self._nursery.server_lives()
                self._loading.lost(worker, error, accident=accident)
            elif worker.was_starting():
                self._nursery.ails()
        if share is not None:
            self._wake_share(share)

    def _take_leftovers(self, worker: PoolWorker, attempt: Attempt[Any], share: Share) -> None:
        for kind, data in worker.process.leftovers():
            try:
                items, answers = attempt.take(kind, data)
            except ProtocolError:
                return
            if items:
                share.queue.settle(items, answers)

    # Who works

    def _dispatch(self) -> None:
        self._scheduled = False
        now = monotonic()
        crew = self._crew
        while crew.may_begin():
            # When as many are stuck as may be, slow queues leave the others a worker.
            spare_slow = not crew.may_get_stuck() and crew.working > 0
            share = self._turns.next(now, spare_slow=spare_slow)
            if share is None:
                break
            self._begin(share, now)
        self._watch.arm()

    def _begin(self, share: Share, now: float) -> None:
        program, items = share.queue.take(share.most)
        worker = self._crew.begin(program)
        share.begin(now)
        worker.share = share
        if program.digest in worker.process.loaded:
            self.run(worker, program, items)
        else:
            worker.waiting = items
            self._loading.load(worker, program)

    def run(self, worker: PoolWorker, program: Program, items: Sequence[Any]) -> None:
        """Have a worker, in which the program is loaded, run it on some items."""
        loaded = worker.process.loaded
        if len(loaded) > 1:
            loaded[program.digest] = loaded.pop(program.digest)
        attempt = Attempt(items, self.limits.timeout_ms / 1000, monotonic())
        payload = protocol.run_payload(program.digest, [item.raw for item in items])
        worker.run(attempt, payload)

    def fail(self, worker: PoolWorker, answer: Answer) -> None:
        """Answer all that waited for a program that cannot be loaded."""
        items, worker.waiting = worker.waiting, ()
        share = worker.share
        if share is not None:
            if worker in self._crew.all:
                self.release(worker, share)
                self.rest(worker)
            share.queue.settle(items, [answer] * len(items))

    def _finish(self, worker: PoolWorker, attempt: Attempt[Any], share: Share) -> None:
        """Its attempt is over: let it go on with the next before the answers are dealt with."""
        count = len(attempt.items)
        if not worker.is_stuck:
            share.note_time(count, attempt.run_time)
        self.release(worker, share)
        if not worker.process.executions:
            self._nursery.thrives()
        worker.process.executions += count
        if attempt.spent or worker.process.executions >= self.limits.executions_per_worker:
            self._end(worker, "memory" if attempt.spent else "recycled", share)
        else:
            self.rest(worker)
        self._wake_share(share)

    def _wake_share(self, share: Share) -> None:
        self._turns.wake_share(share)
        if not self._scheduled:
            self._dispatch()

    def release(self, worker: PoolWorker, share: Share) -> None:
        """A worker works for the queue no more."""
        share.end(was_stuck=worker.is_stuck)
        self._crew.end(worker)
        worker.attempt = worker.share = None
        worker.waiting = ()

    def let_others_go_on(self, worker: PoolWorker, attempt: Attempt[Any], share: Share) -> None:
        """A worker is stuck with one input: have the others run elsewhere, where that helps."""
        if not self._crew.may_get_stuck():
            return
        if len(attempt.unanswered()) == 1 and not self._turns.anybody_waits():
            return
        self._crew.get_stuck(worker)
        share.get_stuck()
        share.note_time(1, STUCK_SECONDS)
        others = attempt.give_away()
        worker.stop_after_this()
        share.queue.give_back(others)
        self._grow()
        self._wake_share(share)

    # Who is there

    def _grow(self) -> None:
        """Have as many workers as may work, and one more to take the place of any of them."""
        missing = self._crew.missing(self._nursery.expected)
        if missing and not self._closed:
            self._nursery.raise_workers(missing)

    def _born(self, worker: PoolWorker) -> None:
        self._crew.all.add(worker)
        self._watch.arm()

    def rest(self, worker: PoolWorker) -> None:
        """A worker has nothing to do: it loads what it lacks, waits for work, or is not needed."""
        waits = self._turns.anybody_waits()
        if self._crew.has_one_too_many():
            self._end(worker, "")
        elif (self._crew.idle or not waits) and self._loading.may_load_next(worker):
            pass
        else:
            self._crew.idle.append(worker)
            if waits and not self._scheduled:
                self._scheduled = True
                self._loop.call_soon(self._dispatch)

    def go_on(self) -> None:
        """Have what waits run where it may by now, and workers raised where some are missing."""
        self._dispatch()
        self._grow()

    def refuse_all(self) -> None:
        """Have every queue answer what waits in it: it cannot be run."""
        self._turns.refuse_all(self._nursery.problem or "No sandbox worker is ready.")

    def everybody(self) -> list[PoolWorker]:
        """Every worker there is."""
        return [*self._crew.all]

    def _end(self, worker: PoolWorker, reason: str, share: Share | None = None) -> None:
        """Be rid of a worker, tell the reason if there is one, and have another raised."""
        if self._crew.remove(worker):
            if reason:
                self._ended(reason, share.queue.name if share is not None else "")
            self._grow()

    def cannot_start(self, error: LoopaiError) -> None:
        """The first worker cannot be had: whoever waits for the start is told."""
        if not self._walls.done():
            self._walls.set_exception(error)

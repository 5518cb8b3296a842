"""Runs programs in jailed workers without ever blocking the event loop: who runs what, and when.

Queues are served in turn. An input that keeps its worker for long (`STUCK_SECONDS`) gives the
worker's other inputs back and its place up: the next one goes on while it runs to its limit.
So one slow input delays its neighbours by milliseconds, and a queue full of them no other queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from runtime.errors import LoopaiError
from runtime.sandbox import protocol
from runtime.sandbox.attempt import Attempt
from runtime.sandbox.limits import Limits
from runtime.sandbox.loading import Loading
from runtime.sandbox.nursery import Nursery
from runtime.sandbox.pool_watch import STUCK_SECONDS, PoolWatch
from runtime.sandbox.pool_worker import NEVER, PoolWorker
from runtime.sandbox.program import Program, expect_every_wall
from runtime.sandbox.protocol import Answer, Kind, ProtocolError
from runtime.sandbox.share import Queue, Share

#: Workers that may be stuck beside those that work, for each of these.
STUCK_EACH = 3
#: Workers raised beside stuck ones stay so long: who was stuck often is soon stuck again.
SECONDS_TO_KEEP = 10.0

logger = logging.getLogger("loopai.sandbox")

#: Told the reason a worker was ended for, and the queue it worked for ("" for none).
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
        self._nursery = Nursery(limits, self._loop, self, self._born)
        self._loading = Loading(self, limits)
        self._watch = PoolWatch(self, self._loop)
        self._keep_all_until = 0.0
        self._all: set[PoolWorker] = set()
        self._idle: list[PoolWorker] = []
        self._shares: dict[int, Share] = {}
        self._hungry: deque[Share] = deque()
        self._working = 0
        self._stuck = 0
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
        self._shares[id(queue)] = Share(queue, self.workers)

    def remove(self, queue: Queue) -> None:
        """Forget a queue in which nothing waits or runs."""
        del self._shares[id(queue)]

    def wake(self, queue: Queue) -> None:
        """Have what waits in a queue run, together with all else that comes in this turn."""
        share = self._shares[id(queue)]
        if not share.is_hungry:
            share.is_hungry = True
            self._hungry.append(share)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._dispatch)

    async def close(self) -> None:
        """End every worker. What still waits is answered by nobody."""
        self._closed = True
        self._watch.close()
        for worker in list(self._all):
            worker.detach()
            worker.process.close()
        self._all.clear()
        self._idle.clear()
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
            self._nursery.thrives()
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
            if worker.process.walls is None:
                self._nursery.ails()
            elif worker.loading is not None:
                accident = not self._nursery.server_lives()
                self._loading.lost(worker, error, accident=accident)
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
        crowded = self._stuck >= STUCK_EACH * self.workers
        for _ in range(len(self._hungry)):
            if not self._idle or self._working >= self.workers:
                break
            share = self._hungry.popleft()
            while (
                share.queue.waiting()
                and self._idle
                and self._working < self.workers
                and (not (crowded and share.is_slow) or not self._working)
                and share.may_begin(now)
            ):
                self._begin(share, now)
            if share.queue.waiting():
                self._hungry.append(share)
            else:
                share.is_hungry = False
        self._watch.arm()

    def _begin(self, share: Share, now: float) -> None:
        program, items = share.queue.take(share.most)
        idle = self._idle
        at = len(idle) - 1
        while at > 0 and program.digest not in idle[at].process.loaded:
            at -= 1
        if program.digest not in idle[at].process.loaded:
            at = len(idle) - 1
        worker = idle.pop(at)
        share.begin(now)
        self._working += 1
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
            if worker in self._all:
                self.release(worker, share)
                self.rest(worker)
            share.queue.settle(items, [answer] * len(items))

    def _finish(self, worker: PoolWorker, attempt: Attempt[Any], share: Share) -> None:
        """Its attempt is over: let it go on with the next before the answers are dealt with."""
        count = len(attempt.items)
        if not worker.is_stuck:
            share.note_time(count, monotonic() - attempt.began)
        self.release(worker, share)
        worker.process.executions += count
        if attempt.spent or worker.process.executions >= self.limits.executions_per_worker:
            self._end(worker, "memory" if attempt.spent else "recycled", share)
        else:
            self.rest(worker)
        self._wake_share(share)

    def _wake_share(self, share: Share) -> None:
        if share.queue.waiting() and not share.is_hungry:
            share.is_hungry = True
            self._hungry.append(share)
        if self._hungry and not self._scheduled:
            self._dispatch()

    def release(self, worker: PoolWorker, share: Share) -> None:
        """A worker works for the queue no more."""
        if worker.is_stuck:
            worker.is_stuck = False
            share.stuck -= 1
            self._stuck -= 1
        else:
            share.running -= 1
            self._working -= 1
        worker.attempt = worker.share = None
        worker.waiting = ()

    def let_others_go_on(self, worker: PoolWorker, attempt: Attempt[Any], share: Share) -> None:
        """A worker is stuck with one input: have the others run elsewhere, where that helps."""
        if self._stuck >= STUCK_EACH * self.workers:
            return
        if len(attempt.unanswered()) == 1 and not self._hungry:
            return
        worker.is_stuck = True
        share.running -= 1
        share.stuck += 1
        self._working -= 1
        self._stuck += 1
        share.note_time(1, STUCK_SECONDS)
        self._keep_all_until = monotonic() + SECONDS_TO_KEEP
        others = attempt.give_away()
        worker.stop_after_this()
        share.queue.give_back(others)
        self._grow()
        self._wake_share(share)

    # Who is there

    def _grow(self) -> None:
        """Have as many workers as may work, and one more to take the place of any of them."""
        missing = self.workers + 1 + self._stuck - len(self._all) - self._nursery.expected
        if missing > 0 and not self._closed:
            self._nursery.raise_workers(missing)

    def _born(self, worker: PoolWorker) -> None:
        self._all.add(worker)
        self._watch.arm()

    def rest(self, worker: PoolWorker) -> None:
        """A worker has nothing to do: it loads what it lacks, waits for work, or is not needed."""
        too_many = len(self._all) > self.workers + 1 + self._stuck
        if too_many and monotonic() > self._keep_all_until:
            self._end(worker, "")
        elif (self._idle or not self._hungry) and self._loading.may_load_next(worker):
            pass
        else:
            self._idle.append(worker)
            if self._hungry and not self._scheduled:
                self._scheduled = True
                self._loop.call_soon(self._dispatch)

    def take_idle(self, program: Program) -> PoolWorker | None:
        """An idle worker that lacks a program, to load it; None when each has it or works."""
        for at, worker in enumerate(self._idle):
            if program.digest not in worker.process.loaded.keys() | worker.refused:
                return self._idle.pop(at)
        return None

    def is_at_work(self) -> bool:
        """Whether anything runs, waits or gets ready."""
        return bool(
            self._hungry or self._working or self._stuck or len(self._idle) < len(self._all)
        )

    def go_on(self) -> None:
        """Have what waits run where it may by now; have workers raised where some are missing."""
        if self._hungry and not self._scheduled:
            self._dispatch()
        self._grow()

    def is_deserted(self) -> bool:
        """Whether something waits and there is no worker at all."""
        return bool(self._hungry) and not self._all

    def refuse_all(self) -> None:
        """Have every queue answer what waits in it: it cannot be run."""
        reason = self._nursery.problem or "No sandbox worker is ready."
        for share in self._hungry:
            share.queue.refuse(reason)

    def everybody(self) -> list[PoolWorker]:
        """Every worker there is."""
        return [*self._all]

    def _end(self, worker: PoolWorker, reason: str, share: Share | None = None) -> None:
        """Be rid of a worker that may have worked for `share`; tell the reason, if there is one,
        and have another raised."""
        if worker not in self._all:
            return
        self._all.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        worker.detach()
        worker.process.close()
        if reason:
            self._ended(reason, share.queue.name if share is not None else "")
        self._grow()

    def cannot_start(self, error: LoopaiError) -> None:
        """The first worker cannot be had: whoever waits for the start is told."""
        if not self._walls.done():
            self._walls.set_exception(error)

"""Which programs a pool's workers hold: each that serves is loaded everywhere before it is needed.

One worker loads at a time, so that the others go on answering.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from runtime.sandbox import protocol
from runtime.sandbox.attempt import MAX_DEATHS
from runtime.sandbox.crew import Crew
from runtime.sandbox.limits import Limits
from runtime.sandbox.pool_worker import NEVER, PoolWorker
from runtime.sandbox.program import Program, module_error
from runtime.sandbox.protocol import Answer, Failure, Kind, Loaded, ProtocolError

if TYPE_CHECKING:
    from runtime.sandbox.pool import Pool


class Loading:
    """Loads programs into the workers of one pool."""

    def __init__(self, pool: Pool, crew: Crew, limits: Limits) -> None:
        self._pool = pool
        self._crew = crew
        self._limits = limits
        #: What every worker shall hold, by digest, the one prepared longest ago first.
        self._programs: dict[str, Program] = {}
        self._awaited: dict[str, asyncio.Future[Loaded]] = {}
        self._deaths: dict[str, int] = {}
        #: The one that loads ahead of need.
        self._ahead: PoolWorker | None = None

    async def prepare(self, program: Program) -> None:
        """Return once every worker that is not stuck holds it. Raises GateError."""
        self._remember(program)
        awaited = self._awaited.get(program.digest)
        if awaited is None:
            awaited = asyncio.get_running_loop().create_future()
            self._awaited[program.digest] = awaited
        self._go_on()
        loaded = await asyncio.shield(awaited)
        if loaded.failure is not None:
            raise module_error(program, loaded)

    def close(self) -> None:
        """Whoever still waits is not answered any more."""
        for awaited in self._awaited.values():
            awaited.cancel()

    def load(self, worker: PoolWorker, program: Program) -> None:
        """Have a worker load a program; the others shall soon hold it too."""
        self._remember(program)
        loaded = worker.process.loaded
        if len(loaded) >= self._limits.programs_per_worker:
            worker.drop(next(digest for digest in loaded if digest not in self._programs))
        worker.load(program, monotonic() + self._limits.load_timeout_ms / 1000)

    def _remember(self, program: Program) -> None:
        self._programs.pop(program.digest, None)
        self._programs[program.digest] = program
        if len(self._programs) > self._limits.programs_per_worker:
            del self._programs[next(iter(self._programs))]

    def may_load_next(self, worker: PoolWorker) -> bool:
        """Have an idle worker load the next program it lacks, unless another is at it."""
        if self._ahead is not None:
            return False
        for program in self._programs.values():
            if worker.lacks(program.digest):
                self._ahead = worker
                self.load(worker, program)
                return True
        return False

    def loaded(self, worker: PoolWorker, kind: Kind, data: bytes) -> None:
        """Take a worker's word that it has loaded a program, or why not. Raises ProtocolError."""
        program = worker.loading
        assert program is not None
        loaded = protocol.decode(data, Loaded)
        if kind is not Kind.LOADED or loaded.program != program.digest:
            raise ProtocolError(f"expected LOADED, got {kind.name}")
        worker.loading, worker.deadline = None, NEVER
        if worker is self._ahead:
            self._ahead = None
        if loaded.failure is None:
            worker.process.loaded[program.digest] = None
            self._deaths.pop(program.digest, None)
        else:
            worker.refused.add(program.digest)
            self._give_up(program, loaded)
        if worker.share is None:
            self._pool.rest(worker)
        elif loaded.failure is None:
            self._pool.run(worker, program, worker.waiting)
        else:
            self._pool.fail(worker, Answer(0.0, failure=loaded.failure))
        self._go_on()

    def lost(self, worker: PoolWorker, error: Exception, *, accident: bool) -> None:
        """A worker was lost while it loaded a program."""
        program = worker.loading
        assert program is not None
        share, items = worker.share, worker.waiting
        if worker is self._ahead:
            self._ahead = None
        failure: Failure | None = None
        if isinstance(error, TimeoutError):
            limit = self._limits.load_timeout_ms
            failure = Failure("TimeoutError", f"the module level ran over {limit:g} ms")
        elif not accident:
            deaths = self._deaths[program.digest] = self._deaths.get(program.digest, 0) + 1
            if deaths >= MAX_DEATHS or isinstance(error, ProtocolError):
                failure = Failure("WorkerLost", f"the worker process was lost: {error}")
        if failure is not None:
            self._deaths.pop(program.digest, None)
            self._give_up(program, Loaded(program.digest, failure))
        if share is not None:
            self._pool.release(worker, share)
            if failure is None:
                share.queue.give_back(items)
            else:
                share.queue.settle(items, [Answer(0.0, failure=failure)] * len(items))
        self._go_on()

    def _give_up(self, program: Program, loaded: Loaded) -> None:
        """A program cannot be loaded: it is not tried again ahead of need."""
        self._programs.pop(program.digest, None)
        awaited = self._awaited.pop(program.digest, None)
        if awaited is not None and not awaited.done():
            awaited.set_result(loaded)

    def _go_on(self) -> None:
        """Have the next worker load what it lacks, and tell whoever waited that all have it."""
        if self._ahead is None:
            for program in list(self._programs.values()):
                worker = self._crew.take_idle(program)
                if worker is not None:
                    self._ahead = worker
                    self.load(worker, program)
                    break
        workers = [worker for worker in self._crew.all if not worker.is_stuck]
        for digest in list(self._awaited):
            holding = [digest in worker.process.loaded for worker in workers]
            if holding and all(holding):
                awaited = self._awaited.pop(digest)
                if not awaited.done():
                    awaited.set_result(Loaded(digest))

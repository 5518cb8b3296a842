"""Raises new workers beside the event loop: forking waits for another process, so a thread does.

When workers die at their start, or cannot be forked, it waits longer after each.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import Protocol

from runtime.errors import LoopaiError
from runtime.sandbox.forkserver import ForkServer, WorkerProcess
from runtime.sandbox.limits import Limits
from runtime.sandbox.pool_worker import Hearing, PoolWorker
from runtime.sandbox.seat import READY_SECONDS

FIRST_WAIT = 0.02
LONGEST_WAIT = 2.0
#: After so long without a failure the next one is the first again.
SECONDS_OF_PEACE = 2 * LONGEST_WAIT
#: A pool that is starting gives up after so many failures in a row.
MOST_FAILURES_AT_START = 3

logger = logging.getLogger("loopai.sandbox")


class Starting(Hearing, Protocol):
    """What the pool is to its nursery."""

    def cannot_start(self, error: LoopaiError) -> None: ...


class Nursery:
    """Forks workers one after the other and hands each to `born`."""

    def __init__(
        self,
        limits: Limits,
        loop: asyncio.AbstractEventLoop,
        pool: Starting,
        born: Callable[[PoolWorker], None],
    ) -> None:
        #: How many are to come.
        self.expected = 0
        #: Why the last could not be forked; None once one could.
        self.problem: str | None = None
        self._limits = limits
        self._loop = loop
        self._pool = pool
        self._born = born
        self._server = ForkServer()
        self._thread = ThreadPoolExecutor(1, "sandbox-forks")
        self._failures = 0
        self._failed_at = 0.0
        self._work: asyncio.Task[None] | None = None
        self._closed = False

    def raise_workers(self, count: int) -> None:
        """Have `count` more workers come."""
        self.expected += count
        if self._work is None or self._work.done():
            self._work = self._loop.create_task(self._raise())

    def server_lives(self) -> bool:
        """Whether the process is there that workers die with."""
        return self._server.is_alive()

    def thrives(self) -> None:
        """A new worker has done some work."""
        self._failures = 0
        self.problem = None

    def ails(self) -> None:
        """A worker was lost at its start."""
        self._failed(LoopaiError("The sandbox's worker processes die at their start."))

    async def close(self) -> None:
        """Stop; what is being forked is ended."""
        self._closed = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        await asyncio.to_thread(self._server.close)
        self._thread.shutdown()

    async def _raise(self) -> None:
        while self.expected and not self._closed:
            if self._failures:
                wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._failures, 10))
                await asyncio.sleep(max(0.0, self._failed_at + wait - monotonic()))
            fork = self._thread.submit(self._server.fork, self._limits)
            try:
                process = await asyncio.wrap_future(fork, loop=self._loop)
            except asyncio.CancelledError:
                fork.add_done_callback(_close_worker)
                raise
            except (LoopaiError, OSError, EOFError) as error:
                self._failed(error if isinstance(error, LoopaiError) else LoopaiError(str(error)))
                continue
            self.expected -= 1
            worker = PoolWorker(process, self._loop, self._pool)
            worker.deadline = monotonic() + READY_SECONDS
            self._born(worker)

    def _failed(self, error: LoopaiError) -> None:
        now = monotonic()
        if now - self._failed_at > SECONDS_OF_PEACE:
            self._failures, self.problem = 0, None
        if self.problem is None:
            logger.error("no sandbox worker could be started: %s", error)
        self.problem = str(error)
        self._failures, self._failed_at = self._failures + 1, now
        if self._failures >= MOST_FAILURES_AT_START:
            self._pool.cannot_start(error)


def _close_worker(fork: Future[WorkerProcess]) -> None:
    """End a worker that came when nobody wanted it any more."""
    if not fork.cancelled() and fork.exception() is None:
        fork.result().close()

"""One worker process as an event loop sees it: what it does now, and what it has not taken yet.

It moves frames without ever waiting; what they mean, and when to kill, its pool decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from runtime.sandbox import protocol
from runtime.sandbox.attempt import Attempt
from runtime.sandbox.forkserver import WorkerProcess
from runtime.sandbox.program import Program
from runtime.sandbox.protocol import Kind

if TYPE_CHECKING:
    from runtime.sandbox.share import Share

NEVER = float("inf")
#: A worker that is lost sooner, with nothing done, was lost at its start.
SECONDS_OF_START = 1.0


class Hearing(Protocol):
    """Who is told what a worker says."""

    def heard(self, worker: PoolWorker, kind: Kind, data: bytes) -> None: ...

    def lost(self, worker: PoolWorker, error: Exception) -> None: ...


class PoolWorker:
    """A worker is starting, loading, running an attempt or idle."""

    def __init__(
        self, process: WorkerProcess, loop: asyncio.AbstractEventLoop, hearing: Hearing
    ) -> None:
        self.process = process
        #: Whose inputs it runs, or is about to once their program is loaded.
        self.share: Share | None = None
        self.attempt: Attempt[Any] | None = None
        self.waiting: Sequence[Any] = ()
        self.loading: Program | None = None
        #: Digests of programs that it could not load.
        self.refused: set[str] = set()
        #: Until when it must be ready, or have loaded what it loads (monotonic, seconds).
        self.deadline = NEVER
        #: Whether one input has kept it so long that others do without it.
        self.is_stuck = False
        #: Since when the input runs that was last found to be late, and the processor time it had
        #: used by then.
        self.late_since = 0.0
        self.cpu_when_late = 0.0
        self._born = monotonic()
        self._loop = loop
        self._hearing = hearing
        self._unsent = bytearray()
        self._told_to_stop = False
        self._closed = False
        loop.add_reader(process.fileno(), self.listen)

    def run(self, attempt: Attempt[Any], payload: bytes) -> None:
        """Have a loaded program run on an attempt's inputs."""
        if self._told_to_stop:
            self._told_to_stop = False
            self.process.stop_after_this(False)
        self.attempt = attempt
        self._send(Kind.RUN, payload)

    def stop_after_this(self) -> None:
        """Have the inputs left out that have not begun."""
        self._told_to_stop = True
        self.process.stop_after_this(True)

    def was_starting(self) -> bool:
        """Whether it was not ready yet, or had been born just now and done nothing."""
        if self.process.walls is None:
            return True
        return not self.process.executions and monotonic() - self._born < SECONDS_OF_START

    def lacks(self, digest: str) -> bool:
        """Whether it should be given a program."""
        return digest not in self.process.loaded and digest not in self.refused

    def drop(self, digest: str) -> None:
        """Have a program forgotten."""
        del self.process.loaded[digest]
        self._send(Kind.DROP, digest.encode())

    def load(self, program: Program, deadline: float) -> None:
        """Have a program loaded."""
        self.loading, self.deadline = program, deadline
        self._send(Kind.LOAD, program.load_payload)

    def listen(self) -> None:
        """Hand on what has arrived."""
        if self._closed:
            return
        try:
            for kind, data in self.process.try_receive():
                self._hearing.heard(self, kind, data)
        except (OSError, EOFError, protocol.ProtocolError) as error:
            if not self._closed:
                self._hearing.lost(self, error)

    def detach(self) -> None:
        """Kill it and hear nothing more of it; leftovers can still be read."""
        self._closed = True
        self.process.kill()
        self._loop.remove_reader(self.process.fileno())
        if self._unsent:
            self._loop.remove_writer(self.process.fileno())

    def _send(self, kind: Kind, payload: bytes) -> None:
        data = protocol.frame(kind, payload)
        if self._unsent:
            self._unsent += data
            return
        with suppress(OSError):  # it is lost: listening tells
            sent = self.process.try_send(data)
            if sent < len(data):
                self._unsent += memoryview(data)[sent:]
                self._loop.add_writer(self.process.fileno(), self._go_on_sending)

    def _go_on_sending(self) -> None:
        try:
            with memoryview(self._unsent) as unsent:
                sent = self.process.try_send(unsent)
        except OSError:
            sent = len(self._unsent)
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self.process.fileno())

"""The sandbox's front door: load a program, run it on inputs, get a result for each.

It never raises for what a program does, and never executes a program in this process. The
clock that decides is this process's own.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from runtime.errors import LoopaiError
from runtime.sandbox import protocol
from runtime.sandbox.batch import Batch
from runtime.sandbox.forkserver import ForkServer
from runtime.sandbox.limits import Limits
from runtime.sandbox.program import Program, expect_every_wall, load_program, module_error
from runtime.sandbox.result import Result
from runtime.sandbox.seat import Seat


class Sandbox:
    """Runs programs in `workers` jailed processes; usable from as many threads and more.

    Close it, or use it as a context manager. Its processes also die with this one.
    With `require_isolation`, starting raises LoopaiError when a wall does not hold here.
    """

    def __init__(
        self, limits: Limits | None = None, workers: int = 1, require_isolation: bool = False
    ) -> None:
        if workers < 1:
            raise ValueError("workers must be at least 1")
        self.limits = limits or Limits()
        self._server = ForkServer()
        self._preparing = threading.Lock()
        self._seats: queue.LifoQueue[Seat] = queue.LifoQueue()
        self._all = [Seat(self._server, self.limits) for _ in range(workers)]
        for seat in self._all:
            self._seats.put(seat)
        if require_isolation:
            try:
                expect_every_wall(self.walls())
            except LoopaiError:
                self.close()
                raise

    def load(self, source: str) -> Program:
        """Pass `source` through the gate; it runs nowhere yet. Raises GateError."""
        return load_program(source)

    def prepare(self, program: Program) -> None:
        """Load `program` in every worker now; raises GateError when its module level fails."""
        with self._preparing:  # two that each hold half of the seats would wait for ever
            held = [self._seats.get() for _ in self._all]
        try:
            for seat in held:
                loaded = seat.load(program)
                if loaded.failure is not None:
                    raise module_error(program, loaded)
        finally:
            for seat in held:
                self._seats.put(seat)

    def run(self, program: Program, inputs: Sequence[Any]) -> list[Result]:
        """One result for each input (a JSON value), in order."""
        seat = self._seats.get()
        try:
            return Batch(seat, program, inputs).run()
        finally:
            self._seats.put(seat)

    def walls(self) -> tuple[protocol.Wall, ...]:
        """The jail's walls, and which of them hold on this machine."""
        seat = self._seats.get()
        try:
            return seat.walls()
        finally:
            self._seats.put(seat)

    def close(self) -> None:
        for seat in self._all:
            seat.close()
        self._server.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

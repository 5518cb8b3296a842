"""One place in the sandbox where a worker process sits, with the next one already warm."""

from __future__ import annotations

from time import monotonic
from typing import Protocol

from runtime.errors import LoopaiError
from runtime.sandbox import protocol
from runtime.sandbox.attempt import MAX_DEATHS
from runtime.sandbox.forkserver import ForkServer, WorkerProcess
from runtime.sandbox.limits import Limits

READY_SECONDS = 30.0
MAX_TRIES = 6


class Loadable(Protocol):
    """What a seat needs of a program."""

    @property
    def digest(self) -> str: ...

    @property
    def load_payload(self) -> bytes: ...


class Seat:
    """Holds a worker and its spare; used by one thread at a time."""

    def __init__(self, server: ForkServer, limits: Limits) -> None:
        self.limits = limits
        self._server = server
        self._worker: WorkerProcess | None = None
        self._spare: WorkerProcess | None = None

    def worker(self) -> WorkerProcess:
        """A worker whose walls are up; raises LoopaiError when none can be had."""
        for _ in range(3):
            if self._worker is None:
                self._worker = self._spare or self._server.fork(self.limits)
                self._spare = None
            if self._worker.walls is not None:
                return self._worker
            try:
                self._await_ready(self._worker)
            except (OSError, EOFError, protocol.ProtocolError):
                self.discard()
                continue
            if self._spare is None:
                self._spare = self._server.fork(self.limits)
            return self._worker
        raise LoopaiError("The sandbox's worker processes die before they are ready.")

    def _await_ready(self, worker: WorkerProcess) -> None:
        deadline = monotonic() + READY_SECONDS
        while worker.walls is None:
            for kind, payload in worker.receive(deadline - monotonic()):
                if kind is not protocol.Kind.READY:
                    raise protocol.ProtocolError(f"expected READY, got {kind.name}")
                worker.walls = tuple(protocol.decode(payload, protocol.Ready).walls)

    def count(self, executions: int) -> None:
        """Note work done; a worker that has done its share is replaced by a fresh one."""
        assert self._worker is not None
        self._worker.executions += executions
        if self._worker.executions >= self.limits.executions_per_worker:
            self.discard()

    def server_lives(self) -> bool:
        """Whether the process that workers are forked from, and die with, is alive."""
        return self._server.is_alive()

    def walls(self) -> tuple[protocol.Wall, ...]:
        return self.worker().walls or ()

    def load(self, program: Loadable) -> protocol.Loaded:
        """Load `program` unless it is there already; a failure is in what is returned."""
        lost: Exception | None = None
        deaths = 0
        for _ in range(MAX_TRIES):
            try:
                return self._load(self.worker(), program)
            except TimeoutError:
                self.discard()
                limit = self.limits.load_timeout_ms
                return _failed(program, "TimeoutError", f"the module level ran over {limit:g} ms")
            except protocol.ProtocolError as error:
                self.discard()
                return _failed(program, "WorkerLost", f"the worker process was lost: {error}")
            except (OSError, EOFError) as error:
                self.discard()
                lost = error
                # All workers die with their server: not the program's doing.
                deaths += self.server_lives()
                if deaths == MAX_DEATHS:
                    break
        return _failed(program, "WorkerLost", f"the worker process was lost: {lost}")

    def _load(self, worker: WorkerProcess, program: Loadable) -> protocol.Loaded:
        if program.digest in worker.loaded:
            worker.loaded[program.digest] = worker.loaded.pop(program.digest)
            return protocol.Loaded(program.digest)
        seconds = self.limits.load_timeout_ms / 1000
        if len(worker.loaded) >= self.limits.programs_per_worker:
            oldest = next(iter(worker.loaded))
            worker.loaded.pop(oldest)
            worker.send(protocol.Kind.DROP, oldest.encode(), seconds)
        worker.send(protocol.Kind.LOAD, program.load_payload, seconds)
        loaded = self._await_loaded(worker, program.digest, seconds)
        if loaded.failure is None:
            worker.loaded[program.digest] = None
        elif loaded.failure.type == "MemoryError":
            self.discard()
        return loaded

    def _await_loaded(self, worker: WorkerProcess, digest: str, seconds: float) -> protocol.Loaded:
        deadline = monotonic() + seconds
        while True:
            for kind, payload in worker.receive(deadline - monotonic()):
                loaded = protocol.decode(payload, protocol.Loaded)
                if kind is not protocol.Kind.LOADED or loaded.program != digest:
                    raise protocol.ProtocolError(f"expected LOADED, got {kind.name}")
                return loaded

    def discard(self) -> None:
        """Kill the worker; the spare takes its place when the next one is asked for."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def close(self) -> None:
        self.discard()
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.close()


def _failed(program: Loadable, kind: str, message: str) -> protocol.Loaded:
    return protocol.Loaded(program.digest, protocol.Failure(kind, message))

"""Runs one program on many inputs in a worker, waiting for each message of results.

An input that outlives its time is answered `timeout` and its worker killed; what the worker
had not answered yet is run again in the next one. Programs keep no state, so running an
input again changes nothing, and each is answered once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from runtime.sandbox import protocol
from runtime.sandbox.attempt import Attempt, cut, failed, is_overrun
from runtime.sandbox.forkserver import WorkerProcess
from runtime.sandbox.protocol import Answer, Kind
from runtime.sandbox.result import ProgramError, Result, Status
from runtime.sandbox.seat import Loadable, Seat

CHUNK_INPUTS = 4096
CHUNK_BYTES = 4 * 1024 * 1024


@dataclass(slots=True, eq=False)
class _Input:
    raw: bytes
    answer: Answer | None = None
    deaths: int = 0


class Batch:
    """One call of `Sandbox.run`."""

    def __init__(self, seat: Seat, program: Loadable, inputs: Sequence[Any]) -> None:
        self._seat = seat
        self._program = program
        self._limits = seat.limits
        self._inputs = [self._encode(value) for value in inputs]
        self._output_left = seat.limits.batch_output_bytes

    def run(self) -> list[Result]:
        pending: Sequence[_Input] = [item for item in self._inputs if item.answer is None]
        while pending:
            loaded = self._seat.load(self._program)
            if loaded.failure is not None:
                for item in pending:
                    item.answer = Answer(0.0, failure=loaded.failure)
                break
            if self._output_left < 0:
                limit = self._limits.batch_output_bytes
                for item in pending:
                    item.answer = failed("OutputError", f"the outputs are over {limit:,} bytes")
                break
            sizes = [len(item.raw) for item in pending[:CHUNK_INPUTS]]
            count = cut(sizes, CHUNK_INPUTS, CHUNK_BYTES)
            self._run_chunk(self._seat.worker(), pending[:count])
            unanswered = [item for item in pending[:count] if item.answer is None]
            pending = [*unanswered, *pending[count:]]
        return [as_result(item.answer) for item in self._inputs if item.answer is not None]

    def _encode(self, value: Any) -> _Input:
        limit = self._limits.input_bytes
        try:
            encoded = protocol.encode(value)
        except (TypeError, ValueError, RecursionError, OverflowError) as error:
            return _Input(b"", failed("InputError", f"the input is not JSON: {error}"))
        if len(encoded) > limit:
            message = f"the input is {len(encoded):,} bytes; at most {limit:,} may run"
            return _Input(b"", failed("InputError", message))
        return _Input(encoded)

    def _run_chunk(self, worker: WorkerProcess, items: Sequence[_Input]) -> None:
        payload = protocol.run_payload(self._program.digest, [item.raw for item in items])
        limit = self._limits.timeout_ms / 1000
        attempt = Attempt(items, limit, monotonic())
        try:
            worker.send(Kind.RUN, payload, limit + 1)
            attempt = Attempt(items, limit, monotonic())
            while not attempt.is_over:
                for kind, data in _receive(worker, attempt):
                    self._take(attempt, kind, data)
                    if attempt.spent or self._output_left < 0:
                        self._seat.discard()
                        return
        except (TimeoutError, EOFError, OSError, protocol.ProtocolError) as error:
            worker.kill()
            with contextlib.suppress(protocol.ProtocolError):
                for kind, data in worker.leftovers():
                    self._take(attempt, kind, data)
            position, _ = worker.running()
            blamed = attempt.blame(position, error, accident=not self._seat.server_lives())
            if blamed is not None:
                blamed[0].answer = blamed[1]
            self._seat.discard()
        else:
            self._seat.count(len(items))

    def _take(self, attempt: Attempt[_Input], kind: Kind, data: bytes) -> None:
        self._output_left -= len(data)
        for item, answer in zip(*attempt.take(kind, data), strict=True):
            item.answer = answer


def _receive(worker: WorkerProcess, attempt: Attempt[_Input]) -> Iterator[tuple[Kind, bytes]]:
    """Frames, or TimeoutError once the input that runs is over its time."""
    while True:
        left = attempt.left(monotonic())
        if left > 0:
            with contextlib.suppress(TimeoutError):
                return worker.receive(left)
        attempt.observe(*worker.running(), monotonic())
        if attempt.left(monotonic()) <= 0:
            raise TimeoutError


def as_result(answer: Answer) -> Result:
    """A worker's answer as its caller sees it."""
    latency_ms = answer.latency_us / 1000
    failure = answer.failure
    if failure is None:
        return Result("success", answer.output, answer.confidence, None, latency_ms)
    error = ProgramError(failure.type, failure.message, failure.line)
    status: Status = "timeout" if is_overrun(failure) else "error"
    return Result(status, None, None, error, latency_ms)

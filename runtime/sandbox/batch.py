"""Runs one program on many inputs in a worker, and decides whom to blame when it is lost.

An input that outlives its time is answered `timeout` and its worker killed; what the worker
had not answered yet is run again in the next one. Programs keep no state, so running an
input again changes nothing, and each is answered once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any, Protocol

from runtime.sandbox import protocol
from runtime.sandbox.forkserver import WorkerProcess
from runtime.sandbox.protocol import Failure, Kind
from runtime.sandbox.result import ProgramError, Result
from runtime.sandbox.seat import MAX_DEATHS, Loadable, Seat

CHUNK_INPUTS = 4096
CHUNK_BYTES = 4 * 1024 * 1024


class Batch:
    """One call of `Sandbox.run`."""

    def __init__(self, seat: Seat, program: Loadable, inputs: Sequence[Any]) -> None:
        self._seat = seat
        self._program = program
        self._limits = seat.limits
        self._results: list[Result | None] = [None] * len(inputs)
        self._encoded: list[bytes] = []
        self._deaths: dict[int, int] = {}
        self._encode(inputs)

    def run(self) -> list[Result]:
        pending = [at for at, result in enumerate(self._results) if result is None]
        while pending:
            loaded = self._seat.load(self._program)
            if loaded.failure is not None:
                for at in pending:
                    self._fail(at, loaded.failure)
                break
            chunk = self._next_chunk(pending)
            self._run_chunk(self._seat.worker(), chunk)
            if len(chunk) == len(pending):
                pending = [at for at in chunk if self._results[at] is None]
            else:
                unanswered = [at for at in chunk if self._results[at] is None]
                pending = unanswered + pending[len(chunk) :]
        return [result for result in self._results if result is not None]

    def _encode(self, inputs: Sequence[Any]) -> None:
        encode, limit = protocol.encode, self._limits.input_bytes
        for at, value in enumerate(inputs):
            encoded = b""
            try:
                encoded = encode(value)
            except (TypeError, ValueError, RecursionError, OverflowError) as error:
                self._fail(at, Failure("InputError", f"the input is not JSON: {error}"))
            if len(encoded) > limit:
                message = f"the input is {len(encoded):,} bytes; at most {limit:,} may run"
                self._fail(at, Failure("InputError", message))
                encoded = b""
            self._encoded.append(encoded)

    def _next_chunk(self, pending: list[int]) -> list[int]:
        size = 0
        for count, at in enumerate(pending[:CHUNK_INPUTS]):
            size += len(self._encoded[at])
            if size > CHUNK_BYTES and count:
                return pending[:count]
        return pending[:CHUNK_INPUTS]

    def _run_chunk(self, worker: WorkerProcess, chunk: list[int]) -> None:
        payload = protocol.run_payload(self._program.digest, [self._encoded[at] for at in chunk])
        answered = 0
        try:
            worker.send(Kind.RUN, payload, self._limits.timeout_ms / 1000 + 1)
            watch = _Watch(worker, self._limits.timeout_ms / 1000, len(chunk))
            while answered < len(chunk):
                for kind, data in watch.receive():
                    results = _decode(kind, data)
                    answered = self._take(chunk, answered, results)
                    if results.spent:
                        self._seat.discard()
                        return
        except (TimeoutError, EOFError, OSError, protocol.ProtocolError) as error:
            worker.kill()
            answered = self._take_leftovers(worker, chunk, answered)
            if answered < len(chunk):
                position, _ = worker.running()
                culprit = min(max(position - 1, answered), len(chunk) - 1)
                self._blame(chunk[culprit], error)
            self._seat.discard()
        else:
            self._seat.count(len(chunk))

    def _take(self, chunk: list[int], answered: int, results: protocol.Results) -> int:
        if answered + len(results.answers) > len(chunk):
            raise protocol.ProtocolError("more answers than inputs")
        for answer in results.answers:
            self._results[chunk[answered]] = _result(answer)
            answered += 1
        return answered

    def _take_leftovers(self, worker: WorkerProcess, chunk: list[int], answered: int) -> int:
        for kind, data in worker.leftovers():
            try:
                answered = self._take(chunk, answered, _decode(kind, data))
            except protocol.ProtocolError:
                break
        return answered

    def _blame(self, at: int, error: Exception) -> None:
        if isinstance(error, TimeoutError):
            limit = self._limits.timeout_ms
            self._results[at] = Result(
                "timeout",
                error=ProgramError("TimeoutError", f"ran over its limit of {limit:g} ms"),
                latency_ms=limit,
            )
            return
        if not isinstance(error, protocol.ProtocolError):
            self._deaths[at] = self._deaths.get(at, 0) + 1
            if self._deaths[at] < MAX_DEATHS:
                return
        self._fail(at, Failure("WorkerLost", f"the worker process was lost: {error}"))

    def _fail(self, at: int, failure: Failure) -> None:
        error = ProgramError(failure.type, failure.message, failure.line)
        self._results[at] = Result("error", error=error)


class _Clocked(Protocol):
    def receive(self, seconds: float) -> Iterator[tuple[Kind, bytes]]: ...

    def running(self) -> tuple[int, float]: ...


class _Watch:
    """Receives frames, and raises TimeoutError once one input has run for `limit` seconds.

    The worker says what it runs since when, but is believed only where this clock agrees and
    while its position grows: whatever it says or sends, `inputs` limits are the end.
    """

    def __init__(self, worker: _Clocked, limit: float, inputs: int) -> None:
        self._worker = worker
        self._limit = limit
        self._inputs = inputs
        self._position = 0
        self._since = monotonic()

    def receive(self) -> Iterator[tuple[Kind, bytes]]:
        while True:
            left = self._since + self._limit - monotonic()
            if left > 0:
                with contextlib.suppress(TimeoutError):
                    return self._worker.receive(left)
            self._look()

    def _look(self) -> None:
        position, started = self._worker.running()
        if not self._position < position <= self._inputs:
            raise TimeoutError
        self._position = position
        self._since = min(max(started, self._since), monotonic())


def _decode(kind: Kind, data: bytes) -> protocol.Results:
    if kind is not Kind.RESULTS:
        raise protocol.ProtocolError(f"expected RESULTS, got {kind.name}")
    return protocol.decode(data, protocol.Results)


def _result(answer: protocol.Answer) -> Result:
    if answer.failure is not None:
        failure = answer.failure
        error = ProgramError(failure.type, failure.message, failure.line)
        return Result("error", None, None, error, answer.latency_us / 1000)
    return Result("success", answer.output, answer.confidence, None, answer.latency_us / 1000)

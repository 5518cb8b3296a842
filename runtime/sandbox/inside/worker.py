"""The loop of a worker process: loads programs, runs them on inputs, answers.

It trusts neither side: what the parent sends is validated, what a program raises or returns
is bounded. Time is kept by the parent, which reads from shared memory what runs since when.
"""

from __future__ import annotations

import marshal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic_ns
from typing import Any

import msgspec

from runtime.sandbox import protocol
from runtime.sandbox.protocol import Answer, Failure, Kind

from .freeze import CannotFreezeError, Freezer
from .namespace import new_globals
from .output import describe, encode_output, split_confidence

RECEIVE_BYTES = 256 * 1024
FLUSH_NS = 5_000_000  # answers wait at most this long, so that a kill loses little
FLUSH_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LoadedProgram:
    run: Callable[[Any], Any]
    caches: list[Callable[[], None]]


class Worker:
    """Serves one parent over `connection`; `clock` is shared with it.

    `clock[0]` is the position (from 1) of the input being run, 0 when idle; `clock[1]` is
    when it began, in nanoseconds of the monotonic clock; `clock[2]` is the parent's: not 0 to
    have the inputs left out that have not begun.
    """

    def __init__(self, connection: socket.socket, clock: memoryview, output_bytes: int) -> None:
        self._connection = connection
        self._clock = clock
        self._output_bytes = output_bytes
        self._programs: dict[str, LoadedProgram] = {}

    def serve(self) -> None:
        """Answer until the parent hangs up; raises ProtocolError on anything unexpected."""
        reader = protocol.FrameReader()
        while data := self._connection.recv(RECEIVE_BYTES):
            for kind, payload in reader.feed(data):
                if kind is Kind.RUN:
                    self._run(protocol.decode(payload, protocol.Run))
                elif kind is Kind.LOAD:
                    self._load(protocol.decode(payload, protocol.Load))
                elif kind is Kind.DROP:
                    self._programs.pop(payload.decode(), None)
                else:
                    raise protocol.ProtocolError(f"a parent does not send {kind.name}")

    def _send(self, kind: Kind, message: msgspec.Struct) -> None:
        self._connection.sendall(protocol.frame(kind, protocol.encode(message)))

    def _load(self, message: protocol.Load) -> None:
        failure, frozen_name = None, None
        try:
            self._programs[message.program] = _execute_module(message)
        except CannotFreezeError as error:
            failure, frozen_name = Failure("TypeError", str(error)), error.name
        except BaseException as error:  # a module level may raise anything
            failure = describe(error)
        self._send(Kind.LOADED, protocol.Loaded(message.program, failure, frozen_name))

    def _run(self, message: protocol.Run) -> None:
        program = self._programs.get(message.program)
        if program is None:
            raise protocol.ProtocolError("the program was never loaded")
        run, caches, clock = program.run, program.caches, self._clock
        decode_value = protocol.decode_value
        max_bytes, raw = self._output_bytes, msgspec.Raw
        answers: list[Answer] = []
        size = 0
        flush_at = monotonic_ns() + FLUSH_NS
        for position, given in enumerate(message.inputs, 1):
            clock[1] = started = monotonic_ns()
            clock[0] = position
            try:
                value = decode_value(given)
                started = monotonic_ns()
                output, confidence = split_confidence(run(value))
                encoded = encode_output(output, max_bytes)
                ended = monotonic_ns()
                answers.append(Answer((ended - started) / 1000, raw(encoded), confidence))
                size += len(encoded)
            except BaseException as error:  # a program may raise anything
                ended = monotonic_ns()
                answers.append(Answer((ended - started) / 1000, failure=describe(error)))
                if isinstance(error, MemoryError):
                    clock[0] = 0
                    self._send(Kind.RESULTS, protocol.Results(answers, spent=True))
                    return
            for clear in caches:
                clear()
            if clock[2]:
                left = len(message.inputs) - position
                clock[0] = 0
                self._send(Kind.RESULTS, protocol.Results(answers, left=left))
                return
            if ended > flush_at or size > FLUSH_BYTES:
                self._send(Kind.RESULTS, protocol.Results(answers))
                answers, size, flush_at = [], 0, ended + FLUSH_NS
        clock[0] = 0
        if answers:
            self._send(Kind.RESULTS, protocol.Results(answers))


def _execute_module(message: protocol.Load) -> LoadedProgram:
    namespace = new_globals()
    exec(marshal.loads(message.code), namespace)  # noqa: S102, S302 - code that passed the gate
    freezer = Freezer(namespace, message.contained, message.nonlocals)
    freezer.freeze_all()
    run = namespace.get("run")
    if not callable(run):
        raise TypeError("run is not a function")
    return LoadedProgram(run, freezer.caches)

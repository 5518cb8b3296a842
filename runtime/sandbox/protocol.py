"""Frames and messages between the parent and a worker process; does no I/O itself.

A frame is a length (4 bytes, little-endian), a kind (1 byte) and a JSON payload. Each side
takes the other's bytes for untrusted input: lengths are bounded, kinds known, payloads
validated against the types below, and anything else is a `ProtocolError`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Annotated, Any, TypeVar

import msgspec

MAX_FRAME_BYTES = 64 * 1024 * 1024
MAX_TEXT = 2000  # characters of an error
_HEADER = struct.Struct("<IB")


class ProtocolError(Exception):
    """The other side sent something that is not of this protocol."""


class Kind(IntEnum):
    READY = 1  # worker: walls are up
    LOAD = 2  # parent: a program
    LOADED = 3  # worker: it is loaded, or why not
    RUN = 4  # parent: inputs for a loaded program
    RESULTS = 5  # worker: answers, in order, in one frame or more
    DROP = 6  # parent: the name of a program to forget


_KINDS = {int(kind): kind for kind in Kind}


class Wall(msgspec.Struct, frozen=True):
    """One wall of the jail: whether it holds here, and if not, why."""

    name: str
    holds: bool
    why_not: str = ""


class Failure(msgspec.Struct, array_like=True):
    """What a program raised; `line` is in its source."""

    type: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
    message: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
    line: int | None = None


class Ready(msgspec.Struct):
    walls: list[Wall]


class Load(msgspec.Struct):
    """`code` is marshalled."""

    program: str
    code: bytes
    contained: list[str]
    nonlocals: list[str]


class Loaded(msgspec.Struct):
    program: str
    failure: Failure | None = None
    frozen_name: str | None = None


class Run(msgspec.Struct):
    """Inputs stay JSON until the turn of each: one that cannot be read is its own fault."""

    program: str
    inputs: list[msgspec.Raw]


class Answer(msgspec.Struct, array_like=True, gc=False):
    """One execution: `latency_us` in microseconds; `failure` when the program raised."""

    latency_us: Annotated[float, msgspec.Meta(ge=0)]
    output: Any = None
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    failure: Failure | None = None


class Results(msgspec.Struct, omit_defaults=True):
    """Answers to the next inputs in order; `spent` says that the worker wants replacing, and
    `left` how many inputs it leaves out, as it was told to stop."""

    answers: list[Answer]
    spent: bool = False
    left: Annotated[int, msgspec.Meta(ge=0)] = 0


decode_value = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode
_DECODERS = {
    kind: msgspec.json.Decoder(kind).decode for kind in (Ready, Load, Loaded, Run, Results)
}
_Message = TypeVar("_Message", Ready, Load, Loaded, Run, Results)


def decode(payload: bytes, kind: type[_Message]) -> _Message:
    """A validated message; raises ProtocolError."""
    try:
        return _DECODERS[kind](payload)  # type: ignore[return-value]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ProtocolError(f"a malformed {kind.__name__} message: {error}") from None


def frame(kind: Kind, payload: bytes) -> bytes:
    """One frame; raises ProtocolError when the payload is beyond the bound."""
    if len(payload) > MAX_FRAME_BYTES:
        raise ProtocolError(f"a frame of {len(payload):,} bytes is over {MAX_FRAME_BYTES:,}")
    return _HEADER.pack(len(payload), kind) + payload


def run_payload(program: str, inputs: list[bytes]) -> bytes:
    """A `Run` message from inputs that are encoded already."""
    return b'{"program":"%b","inputs":[%b]}' % (program.encode(), b",".join(inputs))


class FrameReader:
    """Cuts a byte stream into frames; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """Take `data` in and yield each frame it completes; raises ProtocolError."""
        buffer = self._buffer
        if not buffer and len(data) >= _HEADER.size:  # mostly one whole frame: no copying
            length, kind = _HEADER.unpack_from(data)
            if len(data) == _HEADER.size + length and kind in _KINDS:
                yield _KINDS[kind], data[_HEADER.size :]
                return
        buffer += data
        while len(buffer) >= _HEADER.size:
            length, kind = _HEADER.unpack_from(buffer)
            if length > MAX_FRAME_BYTES:
                raise ProtocolError(f"a frame of {length:,} bytes is over {MAX_FRAME_BYTES:,}")
            if kind not in _KINDS:
                raise ProtocolError(f"frame kind {kind} is unknown")
            end = _HEADER.size + length
            if len(buffer) < end:
                return
            payload = bytes(memoryview(buffer)[_HEADER.size : end])
            del buffer[:end]
            yield _KINDS[kind], payload

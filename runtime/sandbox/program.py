"""A program that passed the gate, and what is said of one whose module level fails in a worker."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterable
from dataclasses import dataclass, field

from runtime.errors import LoopaiError
from runtime.sandbox import protocol
from runtime.sandbox.gate import GateError, pass_gate, place_of_name
from runtime.sandbox.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Program:
    """Source that passed the gate; `digest` is the SHA-256 of the source in hex."""

    source: str
    digest: str
    load_payload: bytes = field(repr=False, compare=False)


def load_program(source: str) -> Program:
    """Pass `source` through the gate; it runs nowhere yet. Raises GateError."""
    gated = pass_gate(source)
    digest = hashlib.sha256(source.encode()).hexdigest()
    message = protocol.Load(
        program=digest,
        code=marshal.dumps(gated.code),
        contained=sorted(gated.contained),
        nonlocals=sorted(gated.nonlocals),
    )
    return Program(source, digest, protocol.encode(message))


def module_error(program: Program, loaded: protocol.Loaded) -> GateError:
    """The refusal of a program that a worker could not load."""
    failure = loaded.failure
    assert failure is not None
    if loaded.frozen_name is not None:
        line, column = place_of_name(program.source, loaded.frozen_name)
        return GateError([Refusal(line, column, failure.message)])
    message = f"the module level fails: {failure.type}: {failure.message}"
    return GateError([Refusal(failure.line or 1, 1, message)])


def expect_every_wall(walls: Iterable[protocol.Wall]) -> None:
    """Raises LoopaiError when a wall of the jail does not hold on this machine."""
    missing = [wall for wall in walls if not wall.holds]
    if missing:
        raise LoopaiError(
            "The sandbox is not fully isolated here: "
            + "; ".join(f"{wall.name} ({wall.why_not})" for wall in missing)
        )

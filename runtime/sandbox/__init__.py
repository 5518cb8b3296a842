"""Runs programs nobody has read: a gate for their source, a jailed process for their code.

    with Sandbox(limits=Limits(timeout_ms=1000)) as sandbox:
        program = sandbox.load(source)
        results = sandbox.run(program, inputs)

Names are imported when they are first used, so that worker processes, which live in this
package too, start without the parent's half.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.sandbox.gate import GateError, check_source
    from runtime.sandbox.limits import Limits
    from runtime.sandbox.program import Program
    from runtime.sandbox.protocol import Wall
    from runtime.sandbox.refusal import Refusal
    from runtime.sandbox.result import ProgramError, Result
    from runtime.sandbox.sandbox import Sandbox

__all__ = [
    "GateError",
    "Limits",
    "Program",
    "ProgramError",
    "Refusal",
    "Result",
    "Sandbox",
    "Wall",
    "check_source",
]

_HOMES = {
    "GateError": "gate",
    "Limits": "limits",
    "Program": "program",
    "ProgramError": "result",
    "Refusal": "refusal",
    "Result": "result",
    "Sandbox": "sandbox",
    "Wall": "protocol",
    "check_source": "gate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""What the gate answers when source may not run, and its words for refused statements."""

from __future__ import annotations

from dataclasses import dataclass

STATEMENT_REASONS = {
    "ClassDef": "classes are not available (their methods run unseen and they keep state); "
    "use functions with dicts, tuples or collections.namedtuple",
    "Global": "global is not available: nothing survives from one execution to the next; "
    "pass values as arguments and return them",
    "With": "with is not available: there is nothing to open or close in a program",
    "AsyncFunctionDef": "async functions are not available; use def",
    "AsyncFor": "async for is not available; use for",
    "AsyncWith": "async with is not available",
    "Await": "await is not available; call the function directly",
    "TryStar": "except* is not available; use except",
    "TemplateStr": "t-strings are not available; use f-strings",
    "TypeAlias": "type statements are not available; leave them out",
}


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """Why source was refused: `line` and `column` count from 1, `reason` says what to do."""

    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.reason}"

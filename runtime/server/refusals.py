"""The problems that an execution is refused with before it runs, each in words of its task."""

from __future__ import annotations

from typing import Any, Protocol

from runtime.schema_check import SchemaCheck
from runtime.server.answers import Answer, problem


class Named(Protocol):
    """The way of a task's executions, here or elsewhere."""

    name: str
    max_queue: int


def stopping() -> Answer:
    """503: the time that the server had to answer is over."""
    detail = "The server stops before the program has ended."
    return problem("stopping", detail, (b"retry-after", b"1"))


def invalid_input(lane: Named, check: SchemaCheck, value: Any) -> Answer:
    """422: with each thing that the input's schema says against it."""
    failures = check.errors(value)
    return problem(
        "invalid-input",
        f"The input of {lane.name!r} does not follow its schema.",
        errors=[{"path": f"/input{f.path}", "message": f.message} for f in failures],
    )


def no_active_program(lane: Named) -> Answer:
    """503: nothing answers for the task yet."""
    detail = f"The task {lane.name!r} has no active version yet."
    return problem("no-active-program", detail, (b"retry-after", b"5"))


def queue_full(lane: Named) -> Answer:
    """429: as many jobs as may wait already do."""
    detail = f"{lane.max_queue:,} requests of {lane.name!r} are waiting already."
    return problem("queue-full", detail, (b"retry-after", b"1"))

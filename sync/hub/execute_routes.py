"""Execution at the hub: each route hands over to the runtime of the caller's tenant."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from runtime.server.openapi_parts import ANY_OBJECT, Json, list_of, object_of
from sync.hub.answers import Guard
from sync.hub.central_execution import CentralExecution
from sync.hub.operations import Operation

LINES = "application/x-ndjson"


class AtTheRuntime:
    """An ASGI application: the caller's tenant's runtime, for keys with one of some scopes."""

    def __init__(self, guard: Guard, central: CentralExecution, *scopes: str) -> None:
        self._guard = guard
        self._central = central
        self._scopes = scopes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = await self._guard.caller(HTTPConnection(scope), *self._scopes)
        async with self._central.of(caller.tenant) as runtime:
            await runtime.application(scope, receive, send)


def execute_routes(guard: Guard, central: CentralExecution) -> list[Operation]:
    """What the runtime answers for a tenant."""
    runs, sees = ("execute",), ("execute", "read", "admin")
    execute = AtTheRuntime(guard, central, *runs)
    see = AtTheRuntime(guard, central, *sees)
    look = AtTheRuntime(guard, central, "read", "admin")
    text: Json = {"type": "string"}
    whole: Json = {"type": "integer"}
    wanted = object_of({"input": ANY_OBJECT})
    answer = object_of(
        {
            "output": {},
            "confidence": {"type": "number"},
            "latency_ms": {"type": "number"},
            "execution_id": text,
            "program_version": whole,
        },
        optional=("confidence",),
    )
    state = object_of({"name": text, "active_version": {"type": ["integer", "null"]}})
    one = "/v1/execute/{task}"
    failing = (400, 422, 502, 503, 504)
    return [
        Operation(
            "POST", one, "Execute a task at the hub", execute, runs, answer, body=wanted,
            errors=failing, is_application=True,
        ),
        Operation(
            "POST", one + "/batch", f"Execute many inputs: an array, or lines ({LINES})", execute,
            runs, list_of(ANY_OBJECT), body=list_of(wanted), errors=(400, 503),
            is_application=True,
        ),
        Operation(
            "GET", "/v1/tasks", "The tasks that are executed here, and their versions", see, sees,
            object_of({"tasks": list_of(state)}), is_application=True,
        ),
        Operation(
            "GET", "/v1/tasks/{task}", "A task with its schemas", see, sees, state,
            is_application=True,
        ),
        Operation(
            "GET", "/v1/datasets/{task}/executions", "The newest executions at the hub", look,
            ("read", "admin"), object_of({"task": text, "executions": list_of(ANY_OBJECT)}),
            errors=(400,), is_application=True,
        ),
    ]  # fmt: skip

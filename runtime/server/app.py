"""The ASGI application: executions take a short way, everything else is ordinary Starlette.

The short way is a plain callable that builds no request object and validates with no model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from runtime.server.access import Access
from runtime.server.answers import JSON, Answer, Header, problem
from runtime.server.batch import LINES, answer_array, answer_lines, decode_array, takes_lines
from runtime.server.execution import Job
from runtime.server.lane import Lane
from runtime.server.metrics import Metrics
from runtime.server.request_body import Receive, decode_request, read_body, too_large
from runtime.server.served_tasks import ServedTasks

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

DEFAULT_ROUTE = "/execute"
TASK_ROUTE = "/v1/execute/"
BATCH = "/batch"
DEFAULT_ROUTES = frozenset({DEFAULT_ROUTE, DEFAULT_ROUTE + BATCH})
#: What a load balancer asks without a key.
OPEN_PATHS = frozenset({"/health", "/ready"})


class Application:
    """Answers executions itself and hands every other request to `pages`."""

    def __init__(
        self,
        tasks: ServedTasks,
        default_task: str,
        metrics: Metrics,
        access: Access,
        pages: AsgiApp,
        max_body_bytes: int,
    ) -> None:
        self._tasks = tasks
        self._default_task = default_task
        self._metrics = metrics
        self._access = access
        self._pages = pages
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # neither lifespan nor websockets are served
        path: str = scope["path"]
        executes = scope["method"] == "POST" and (
            path in DEFAULT_ROUTES or path.startswith(TASK_ROUTE)
        )
        refusal = None
        if self._access.required:
            refusal = await self._access.refusal(
                scope["headers"], "execute" if executes else "read"
            )
            if refusal is not None and path not in OPEN_PATHS:
                await _send(send, refusal)
                return
        if not executes:
            scope["admitted"] = refusal is None
            await self._pages(scope, receive, send)
            return
        if path in DEFAULT_ROUTES:
            name = self._default_task + path[len(DEFAULT_ROUTE) :]
        else:
            name = path[len(TASK_ROUTE) :]
        is_batch = name.endswith(BATCH)
        name = name.removesuffix(BATCH)
        served = self._tasks.by_name.get(name)
        if served is None:
            await _send(send, problem("unknown-task", f"There is no task {name!r} here."))
        elif is_batch:
            await self._execute_batch(served.lane, scope, receive, send)
        else:
            await self._execute(served.lane, receive, send)

    async def _execute(self, lane: Lane, receive: Receive, send: Send) -> None:
        body = await read_body(receive, self._max_body_bytes)
        if isinstance(body, bytes):
            await _send(send, await self._answer(lane, body))
        elif body == "too large":
            await _send(send, self._counted(lane, too_large(self._max_body_bytes)))

    async def _answer(self, lane: Lane, body: bytes) -> Answer:
        serving = lane.serving
        if serving is None:
            return self._counted(lane, _no_active_program(lane))
        decoded = decode_request(body)
        if isinstance(decoded, Answer):
            return self._counted(lane, decoded)
        raw, value = decoded
        if not serving.input_check.is_valid(value):
            failures = serving.input_check.errors(value)
            invalid = problem(
                "invalid-input",
                f"The input of {lane.name!r} does not follow its schema.",
                errors=[{"path": f"/input{f.path}", "message": f.message} for f in failures],
            )
            return self._counted(lane, invalid)
        future = lane.submit(Job(serving, raw))
        if future is None:
            return self._counted(lane, _queue_full(lane))
        answer = await future
        return answer if answer.kind is None else self._counted(lane, answer)

    async def _execute_batch(self, lane: Lane, scope: Scope, receive: Receive, send: Send) -> None:
        async def execute(item: bytes) -> Answer:
            if len(item) > self._max_body_bytes:
                return self._counted(lane, too_large(self._max_body_bytes))
            await lane.room()
            return await self._answer(lane, item)

        headers: list[Header] = scope["headers"]
        content_type = next((v for name, v in headers if name == b"content-type"), b"")
        lines = takes_lines(content_type)
        if lines:
            stream = _Stream(send, [(b"content-type", LINES)])
            await answer_lines(receive, self._max_body_bytes, execute, stream.write)
            await stream.end()
            return
        body = await read_body(receive, self._max_body_bytes)
        if isinstance(body, bytes):
            items = decode_array(body)
            if items is None:
                detail = 'A batch is a JSON array of {"input": {...}}, or JSON lines of them.'
                await _send(send, self._counted(lane, problem("malformed-json", detail)))
                return
            stream = _Stream(send, [JSON])
            await answer_array(items, execute, stream.write)
            await stream.end()
        elif body == "too large":
            await _send(send, self._counted(lane, too_large(self._max_body_bytes)))

    def _counted(self, lane: Lane, answer: Answer) -> Answer:
        self._metrics.problems.labels(lane.name, answer.kind).inc()
        return answer


class _Stream:
    """A response sent piece by piece; it begins with the first piece."""

    def __init__(self, send: Send, headers: list[Header]) -> None:
        self._send = send
        self._headers = headers
        self._begun = False

    async def write(self, piece: bytes) -> None:
        if not self._begun:
            self._begun = True
            await self._send(
                {"type": "http.response.start", "status": 200, "headers": self._headers}
            )
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        if not self._begun:
            await self.write(b"")
        await self._send({"type": "http.response.body", "body": b""})


def _no_active_program(lane: Lane) -> Answer:
    detail = f"The task {lane.name!r} has no active version yet."
    return problem("no-active-program", detail, (b"retry-after", b"5"))


def _queue_full(lane: Lane) -> Answer:
    detail = f"{lane.max_queue:,} requests of {lane.name!r} are waiting already."
    return problem("queue-full", detail, (b"retry-after", b"1"))


async def _send(send: Send, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})

"""The ASGI application: executions take a short way, everything else is ordinary Starlette.

The short way is a plain callable that builds no request object and validates with no model.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import msgspec

from runtime import keys
from runtime.server.access import Access
from runtime.server.answers import JSON, PROBLEM, Answer, Header, problem
from runtime.server.batch import LINES, Batch, MakeJob, decode_array, takes_lines
from runtime.server.elsewhere import Elsewhere, FarLane
from runtime.server.execution import Job, Outcome
from runtime.server.lane import Lane
from runtime.server.metrics import Metrics
from runtime.server.refusals import invalid_input, no_active_program, queue_full, stopping
from runtime.server.request_body import Receive, decode_request, read_body, too_large
from runtime.server.request_head import REQUEST_ID_HEADER, RequestHead, with_request_id
from runtime.server.served_tasks import ServedTasks
from runtime.server.tracing import Tracing

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

DEFAULT_ROUTE = "/execute"
TASK_ROUTE = "/v1/execute/"
BATCH = "/batch"
DEFAULT_ROUTES = frozenset({DEFAULT_ROUTE, DEFAULT_ROUTE + BATCH})
#: What a load balancer asks without a key.
OPEN_PATHS = frozenset({"/health", "/ready"})
DASHBOARD = "/dashboard"
READY, TASKS = "/ready", "/v1/tasks"
READING = frozenset({"GET", "HEAD", "OPTIONS"})

logger = logging.getLogger("loopai.server")


@dataclass(frozen=True)
class Application:
    """Answers executions itself and hands every other request to `pages`."""

    tasks: ServedTasks
    default_task: str
    metrics: Metrics
    access: Access
    head: RequestHead
    pages: AsgiApp
    max_body_bytes: int
    slow_ms: float
    tracing: Tracing | None = None
    #: Who executes instead; None where it is done here.
    elsewhere: Elsewhere | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # neither lifespan nor websockets are served
        path: str = scope["path"]
        method: str = scope["method"]
        headers: list[Header] = scope["headers"]
        executes = method == "POST" and (path in DEFAULT_ROUTES or path.startswith(TASK_ROUTE))
        request_id, refusal = self.head.read(headers)
        if refusal is None and self.access.required:
            wanted: keys.Scope = "execute"
            if not executes:
                wanted = "read" if method in READING else "admin"
            refusal = await self.access.refusal(
                headers, wanted, by_browser=_is_dashboard(path) and method in READING
            )
            if refusal is not None and path in OPEN_PATHS:
                scope["admitted"] = False
                refusal = None
        if refusal is not None:
            await self._send(send, refusal, request_id)
        elif executes:
            await self._execute_path(path, request_id, scope, receive, send)
        elif self.elsewhere is not None and method == "GET" and _is_of_tasks(path):
            request_id = request_id or self.head.new_id()
            await self._send(send, await self.elsewhere.page(path, request_id), request_id)
        else:
            scope.setdefault("admitted", True)
            request_id = request_id or self.head.new_id()
            scope["request_id"] = request_id.decode()
            tagged = _Tagged(send, request_id)
            await self.pages(scope, receive, tagged.send)

    async def _execute_path(
        self, path: str, request_id: bytes | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if path in DEFAULT_ROUTES:
            name = self.default_task + path[len(DEFAULT_ROUTE) :]
        else:
            name = path[len(TASK_ROUTE) :]
        is_batch = name.endswith(BATCH)
        name = name.removesuffix(BATCH)
        lane: Lane | FarLane | None
        if self.elsewhere is not None:
            lane = self.elsewhere.lane(name)
        else:
            served = self.tasks.by_name.get(name)
            lane = served.lane if served is not None else None
        if lane is None:
            unknown = problem("unknown-task", f"There is no task {name!r} here.")
            await self._send(send, unknown, request_id)
        elif is_batch:
            await self._execute_batch(lane, request_id, scope, receive, send)
        else:
            await self._execute(lane, request_id, scope, receive, send)

    async def _execute(
        self,
        lane: Lane | FarLane,
        request_id: bytes | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        body = await read_body(receive, self.max_body_bytes)
        if isinstance(body, bytes):
            if not isinstance(lane, Lane):
                request_id = request_id or self.head.new_id()
                answer = await lane.answer(body, request_id)
                answer = answer if answer.kind is None else self.counted(lane, answer)
            elif self.tracing is None:
                answer = await self._answer(lane, scope["headers"], body, request_id)
            else:
                with self.tracing.execution(lane.name, scope["headers"], request_id) as span:
                    answer = await self._answer(lane, scope["headers"], body, request_id)
                    span.end_with(answer)
        elif body == "too large":
            answer = self.counted(lane, too_large(self.max_body_bytes))
        else:
            return
        await self._send(send, answer, request_id)

    async def _answer(
        self, lane: Lane, headers: Sequence[Header], body: bytes, request_id: bytes | None
    ) -> Answer:
        job = self.job(lane, headers, body)
        if isinstance(job, Answer):
            return job
        started = perf_counter()
        future = lane.submit(job)
        if future is None:
            return self.counted(lane, queue_full(lane))
        try:
            answer = await future
        except asyncio.CancelledError:  # the time to drain is over
            return self.counted(lane, stopping())
        elapsed_ms = (perf_counter() - started) * 1000
        if elapsed_ms > self.slow_ms:
            log_slow(lane, answer, elapsed_ms, request_id)
        return answer if answer.kind is None else self.counted(lane, answer)

    def job(self, lane: Lane, headers: Sequence[Header], body: bytes) -> Job | Answer:
        """What a request asks for, or the problem with it, which is counted."""
        serving = lane.serving
        if serving is None:
            return self.counted(lane, no_active_program(lane))
        if len(body) > self.max_body_bytes:  # an item of a batch
            return self.counted(lane, too_large(self.max_body_bytes))
        decoded = decode_request(body)
        if isinstance(decoded, Answer):
            return self.counted(lane, decoded)
        raw, value = decoded
        if not serving.input_check.is_valid(value):
            return self.counted(lane, invalid_input(lane, serving.input_check, value))
        split = serving.split
        if split is not None and split.takes(headers, value, raw):
            serving = split.candidate
        return Job(serving, raw)

    async def _execute_batch(
        self,
        lane: Lane | FarLane,
        request_id: bytes | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        request_id = request_id or self.head.new_id()
        headers: list[Header] = scope["headers"]
        make_job: MakeJob = (
            lane.job if not isinstance(lane, Lane) else partial(self.job, lane, headers)
        )
        content_type = next((v for name, v in headers if name == b"content-type"), b"")
        named = (REQUEST_ID_HEADER, request_id)
        as_lines = takes_lines(content_type)
        stream = _Stream(send, [(b"content-type", LINES) if as_lines else JSON, named])
        batch = Batch(
            lane,
            make_job,
            partial(self._count_batched, lane, request_id),
            self.slow_ms,
            stream.write,
        )
        if as_lines:
            if await batch.answer_lines(receive, self.max_body_bytes):
                await stream.end()
            return
        body = await read_body(receive, self.max_body_bytes)
        if isinstance(body, bytes):
            items = decode_array(body)
            if items is None:
                detail = 'A batch is a JSON array of {"input": {...}}, or JSON lines of them.'
                refused = self.counted(lane, problem("malformed-json", detail))
                await self._send(send, refused, request_id)
            elif await batch.answer_array(items, receive):
                await stream.end()
        elif body == "too large":
            refused = self.counted(lane, too_large(self.max_body_bytes))
            await self._send(send, refused, request_id)

    def _count_batched(
        self, lane: Lane | FarLane, request_id: bytes, outcome: Outcome | Answer
    ) -> None:
        """Count an item's problem, and name an execution that took long."""
        if isinstance(outcome, Answer):
            if outcome.kind is not None:
                self.counted(lane, outcome)
            return
        if outcome.problem is not None:
            self.counted(lane, outcome.problem)
        if outcome.latency_ms > self.slow_ms:
            log_slow(lane, outcome.answer(), outcome.latency_ms, request_id)

    def counted(self, lane: Lane | FarLane, answer: Answer) -> Answer:
        """The same problem, counted."""
        if answer.kind != "unknown-task":  # whatever names callers make up
            self.metrics.problems.labels(lane.name, answer.kind).inc()
        return answer

    async def _send(self, send: Send, answer: Answer, request_id: bytes | None) -> None:
        # A success is told apart by its execution id; the caller's own id is given back.
        if request_id is not None or answer.kind is not None:
            answer = with_request_id(answer, request_id or self.head.new_id())
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})


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


class _Tagged:
    """Puts the request's id into the answer of a page; into a problem's body too."""

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self._request_id = request_id
        self._start: MutableMapping[str, Any] | None = None

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            headers: list[Header] = start["headers"]
            kind = "problem" if PROBLEM in headers else None
            answer = Answer(start["status"], headers, message.get("body", b""), kind)
            answer = with_request_id(answer, self._request_id)
            await self._send({**start, "headers": answer.headers})
            message = {**message, "body": answer.body}
        await self._send(message)


def log_slow(
    lane: Lane | FarLane, answer: Answer, elapsed_ms: float, request_id: bytes | None
) -> None:
    """Name an execution that took long in the server's log."""
    fields = msgspec.json.decode(answer.body)
    logger.warning(
        "slow: %s took %.0f ms (execution %s, program %s ms, request %s)",
        lane.name,
        elapsed_ms,
        fields.get("execution_id", "none"),
        fields.get("latency_ms", "unknown"),
        request_id.decode() if request_id else "unnamed",
    )


def _is_of_tasks(path: str) -> bool:
    """What only those can say who execute."""
    return path in (READY, TASKS) or path.startswith(TASKS + "/")


def _is_dashboard(path: str) -> bool:
    """The page and what it asks for: a browser that has the key as password may have them."""
    return path == DASHBOARD or path.startswith(DASHBOARD + "/")

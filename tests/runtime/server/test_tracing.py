"""OpenTelemetry spans of executions, taken from memory instead of being sent anywhere."""

from __future__ import annotations

import asyncio

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from support import TASK, server_folder

from runtime.datasets.log import ExecutionLog
from runtime.keys import KeyCheck, KeyFile
from runtime.sandbox import Limits
from runtime.sandbox.pool import Pool
from runtime.server.access import Access
from runtime.server.app import Application
from runtime.server.counter_memory import CounterMemory
from runtime.server.lane import Lane
from runtime.server.metrics import Metrics
from runtime.server.pages import build_pages
from runtime.server.request_head import RequestHead
from runtime.server.served_tasks import ServedTasks
from runtime.server.tracing import Tracing

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def post(application, body: bytes, headers) -> int:
    """One request straight to the application; returns the status."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/execute", "method": "POST", "headers": headers}
    await application(scope, receive, send)
    return sent[0]["status"]


async def trace(data_dir, tracing) -> list[int]:
    memory = CounterMemory(1)
    metrics = Metrics(memory, memory.slot(0))
    pool = Pool(Limits(timeout_ms=1000))

    def new_lane(name: str) -> Lane:
        return Lane(name, pool, ExecutionLog(data_dir.executions(name)), metrics, 10)

    tasks = ServedTasks(data_dir, pool, new_lane)
    application = Application(
        tasks,
        TASK,
        metrics,
        Access(KeyCheck(KeyFile(data_dir.keys_file))),
        RequestHead(trusts_loopback=True),
        build_pages(tasks, TASK, metrics),
        max_body_bytes=10_000,
        slow_ms=1000,
        tracing=tracing,
    )
    await pool.start()
    await tasks.start()
    try:
        caller = [
            (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()),
            (b"x-request-id", b"till-4"),
        ]
        return [
            await post(application, b'{"input": {"text": "a secret to buy"}}', caller),
            await post(application, b'{"input": {"text": "crash"}}', []),
            await post(application, b'{"input": {}}', []),
        ]
    finally:
        await tasks.close()
        await pool.close()


def test_each_execution_is_a_span_that_continues_its_callers_trace(tmp_path):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    assert asyncio.run(trace(server_folder(tmp_path), Tracing(provider))) == [200, 502, 422]
    well, crashed, invalid = exporter.get_finished_spans()
    assert well.name == f"execute {TASK}"
    assert well.kind is SpanKind.SERVER
    assert format(well.context.trace_id, "032x") == TRACE
    assert format(well.parent.span_id, "016x") == PARENT
    assert well.attributes["http.response.status_code"] == 200
    assert well.attributes["loopai.program_version"] == 1
    assert well.attributes["loopai.request_id"] == "till-4"
    assert well.attributes["loopai.execution_id"]
    assert "secret" not in well.to_json()
    assert crashed.parent is None
    assert crashed.status.status_code is StatusCode.ERROR
    assert crashed.attributes["error.type"] == "program-error"
    assert invalid.attributes["error.type"] == "invalid-input"
    assert invalid.status.status_code is StatusCode.UNSET, "the caller's fault, not ours"

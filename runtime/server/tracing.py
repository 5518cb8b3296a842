"""OpenTelemetry spans of executions, where the extra `[otel]` is installed and asked for.

The only place that knows OpenTelemetry; nothing here is loaded otherwise. Inputs and outputs are
never in a span.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from runtime.errors import LoopaiError, Problem
from runtime.server.answers import Answer, Header

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

TRACE_CONTEXT = frozenset({b"traceparent", b"tracestate"})


class ExecutionSpan:
    """One execution's span, to be ended with what was answered."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def end_with(self, answer: Answer) -> None:
        self._span.set_attribute("http.response.status_code", answer.status)
        if not self._span.is_recording():
            return
        body: dict[str, Any] = msgspec.json.decode(answer.body)
        for name in ("execution_id", "program_version", "latency_ms"):
            if name in body:
                self._span.set_attribute(f"loopai.{name}", body[name])
        if answer.kind is not None:
            self._span.set_attribute("error.type", answer.kind)
            if answer.status >= 500:
                from opentelemetry.trace import StatusCode

                self._span.set_status(StatusCode.ERROR, answer.kind)


class Tracing:
    """Makes a span for each execution, a child of the caller's where it sent `traceparent`."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("loopai.runtime")
        self._kind = SpanKind.SERVER
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def execution(
        self, task: str, headers: Iterable[Header], request_id: bytes | None
    ) -> Iterator[ExecutionSpan]:
        """The span of one execution of `task`; an exception inside is recorded in it."""
        carrier = {
            name.decode(): value.decode("latin-1")
            for name, value in headers
            if name in TRACE_CONTEXT
        }
        context = self._propagator.extract(carrier) if carrier else None
        attributes = {"loopai.task": task}
        if request_id is not None:
            attributes["loopai.request_id"] = request_id.decode()
        with self._tracer.start_as_current_span(
            f"execute {task}", context, self._kind, attributes
        ) as span:
            yield ExecutionSpan(span)

    def close(self) -> None:
        """Send what is waiting to be sent."""
        shutdown = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            shutdown()


def open_tracing() -> Tracing:
    """Spans over OTLP, set up by the usual OTEL_* variables.

    Raises LoopaiError when the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise LoopaiError(
            Problem(
                "runtime.traces is on, but OpenTelemetry is not installed.",
                remedy="Install loopai-workbench[otel], or set runtime.traces to false.",
            )
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "loopai-runtime"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)

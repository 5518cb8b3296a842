"""Runs one batch of requests: the sandbox, the output's schema, the log's lines, the answers.

Blocking, on a lane's own thread. It decides nothing about sampling; it only says what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec

from runtime.clock import format_time
from runtime.models import TaskSpecification
from runtime.sandbox import Program, ProgramError, Result, Sandbox
from runtime.schema_check import SchemaCheck, SchemaFailure
from runtime.server.answers import Answer, encode, json_answer, problem
from runtime.server.execution_id import new_execution_ids
from runtime.server.request_body import one_line

MAX_ERROR_MESSAGE = 2000
LINE = (
    b'{"v":1,"execution_id":"%b","task_id":"%b","program_version":%d,"input":%b,"output":%b,'
    b'"status":"%b"%b,"latency_ms":%b,"timestamp":"%b"}'
)
ANSWER = b'{"output":%b%b,"latency_ms":%b,"execution_id":"%b","program_version":%d}'


@dataclass(frozen=True, slots=True, eq=False)
class Serving:
    """What answers a request from its start to its end: one program and its task's schemas."""

    task: TaskSpecification
    task_id: bytes
    version: int
    program: Program
    input_check: SchemaCheck
    output_check: SchemaCheck


@dataclass(slots=True, eq=False)
class Job:
    """One execution that is wanted, with its input as it came."""

    serving: Serving
    raw: msgspec.Raw


@dataclass(slots=True, eq=False)
class Outcome:
    """One execution that happened: its line for the log and its answer for the caller."""

    version: int
    status: str
    latency_ms: float
    line: bytes
    answer: Answer


def run_jobs(sandbox: Sandbox, jobs: Sequence[Job]) -> list[Result]:
    """The sandbox's results, in order. Raises LoopaiError when the sandbox itself cannot run."""
    results: list[Result] = []
    for serving, group in groupby(jobs, key=attrgetter("serving")):
        # The input's own bytes: the sandbox hands them on without encoding them again.
        results += sandbox.run(serving.program, [job.raw for job in group])
    return results


def describe(jobs: Sequence[Job], results: Sequence[Result], moment: datetime) -> list[Outcome]:
    """The lines and answers of executions that ended at `moment`."""
    stamp = format_time(moment).encode()
    return [
        _outcome(job, result, execution_id, stamp)
        for job, result, execution_id in zip(
            jobs, results, new_execution_ids(len(jobs)), strict=True
        )
    ]


def _outcome(job: Job, result: Result, execution_id: bytes, stamp: bytes) -> Outcome:
    serving = job.serving
    failures: Sequence[SchemaFailure] = ()
    output, error = b"null", result.error
    if result.status == "success":
        output, failures, error = _checked(result.output, serving.output_check)
    latency = b"%.4f" % result.latency_ms
    if error is None:
        status = result.status
        more = b"" if result.confidence is None else b',"confidence":' + encode(result.confidence)
        answer = json_answer(ANSWER % (output, more, latency, execution_id, serving.version))
    else:
        status = "timeout" if result.status == "timeout" else "error"
        error = ProgramError(error.type, _sound(error.message), error.line)
        more = b',"error":' + encode(error)
        answer = _problem(job, status, error, failures, execution_id)
    line = LINE % (
        execution_id,
        serving.task_id,
        serving.version,
        one_line(job.raw),
        output,
        status.encode(),
        more,
        latency,
        stamp,
    )
    return Outcome(serving.version, status, result.latency_ms, line, answer)


def _checked(
    output: Any, check: SchemaCheck
) -> tuple[bytes, Sequence[SchemaFailure], ProgramError | None]:
    """An output as JSON, what its schema says against it, and the error that this is."""
    try:
        encoded = encode(output)
        if check.is_valid(output):
            return encoded, (), None
    except (ValueError, TypeError, RecursionError) as error:
        return b"null", (), ProgramError("OutputError", f"the output is no JSON: {error}")
    failures = check.errors(output)
    first = failures[0]
    message = f"{first.path}: {first.message}" if first.path else first.message
    return encoded, failures, ProgramError("OutputSchemaError", message)


def _problem(
    job: Job,
    status: str,
    error: ProgramError,
    failures: Sequence[SchemaFailure],
    execution_id: bytes,
) -> Answer:
    kind = "timeout" if status == "timeout" else "program-error"
    more: dict[str, Any] = {}
    if failures:
        kind = "invalid-output"
        more["errors"] = [{"path": f"/output{f.path}", "message": f.message} for f in failures]
    return problem(
        kind,
        f"{error}.",
        execution_id=execution_id.decode(),
        program_version=job.serving.version,
        error=error,
        **more,
    )


def _sound(message: str) -> str:
    """A program's message as something JSON can hold, and of bounded length."""
    return message[:MAX_ERROR_MESSAGE].encode("utf-8", "replace").decode()

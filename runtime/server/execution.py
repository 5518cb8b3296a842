"""What one execution is in the end: its line for the log and its answer for the caller.

It runs nothing, writes nothing and decides nothing about sampling; it says what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from runtime.clock import format_time
from runtime.models import TaskSpecification
from runtime.sandbox.attempt import is_overrun
from runtime.sandbox.program import Program
from runtime.sandbox.protocol import Answer as ProgramAnswer
from runtime.sandbox.result import ProgramError
from runtime.schema_check import SchemaCheck, SchemaFailure
from runtime.server.answers import Answer, encode, json_answer, problem
from runtime.server.execution_id import new_execution_ids
from runtime.server.traffic_split import TrafficSplit

MAX_ERROR_MESSAGE = 2000
# Outputs that are text are mostly the same few: what was checked and encoded once stays so.
MOST_KNOWN_OUTPUTS = 1024
LONGEST_KNOWN_OUTPUT = 100
ANSWER = b'{"output":%b,%b,"execution_id":"%b%b'


@dataclass(slots=True, eq=False)
class Serving:
    """What answers a request from its start to its end: one program and its task's schemas."""

    task: TaskSpecification
    task_id: bytes
    version: int
    program: Program
    input_check: SchemaCheck
    output_check: SchemaCheck
    #: Another program that answers some of the requests, while that is rolled out.
    split: TrafficSplit | None = None
    #: Texts that the program has put out, that are valid, as JSON.
    known_outputs: dict[str, bytes] = field(init=False, default_factory=dict)
    #: What stands between execution id and input of a line, and at the end of an answer.
    line_middle: bytes = field(init=False)
    answer_end: bytes = field(init=False)

    def __post_init__(self) -> None:
        named = (self.task_id, self.version)
        self.line_middle = b'","task_id":"%b","program_version":%d,"input":' % named
        self.answer_end = b'","program_version":%d}' % self.version


class Job(msgspec.Struct, eq=False, gc=False):
    """One execution that is wanted, with its input as it came.

    `reply` is called once, with the job and its outcome (or a problem: it was not executed);
    `index` is its place in a batch, -1 for a request of its own.
    """

    serving: Serving
    raw: msgspec.Raw
    reply: Callable[[Job, Outcome | Answer], None] | None = None
    index: int = -1
    #: How often a worker was lost while it ran.
    deaths: int = 0


class Outcome(msgspec.Struct, eq=False, gc=False):
    """One execution that happened: its line for the log, its answer's body, and where it failed
    the whole answer."""

    version: int
    status: str
    latency_ms: float
    line: bytes
    body: bytes
    problem: Answer | None = None

    def answer(self) -> Answer:
        """The answer to a request of its own."""
        return self.problem or json_answer(self.body)


def describe(
    jobs: Sequence[Job], answers: Sequence[ProgramAnswer], moment: datetime
) -> list[Outcome]:
    """The lines and answers of executions that ended at `moment`."""
    end = b',"timestamp":"%b"}' % format_time(moment).encode()
    outcomes = []
    for job, answer, execution_id in zip(jobs, answers, new_execution_ids(len(jobs)), strict=True):
        serving = job.serving
        output = answer.output
        encoded = serving.known_outputs.get(output) if type(output) is str else None
        if encoded is None or answer.failure is not None:
            found = _checked(serving, answer)
            if not isinstance(found, bytes):
                outcomes.append(_failure(job, answer, found, execution_id, end))
                continue
            encoded = found
        latency_ms = answer.latency_us / 1000
        confidence = answer.confidence
        tail = b'"latency_ms":%.4f' % latency_ms
        if confidence is not None:
            tail = b'"confidence":%b,%b' % (encode(confidence), tail)
        # Joined rather than formatted: this is done for every execution.
        line = b"".join(
            (
                b'{"v":1,"execution_id":"',
                execution_id,
                serving.line_middle,
                job.raw,
                b',"output":',
                encoded,
                b',"status":"success",',
                tail,
                end,
            )
        )
        body = ANSWER % (encoded, tail, execution_id, serving.answer_end)
        outcomes.append(Outcome(serving.version, "success", latency_ms, line, body))
    return outcomes


@dataclass(slots=True)
class _Failed:
    error: ProgramError
    output: bytes = b"null"
    failures: Sequence[SchemaFailure] = ()


def _checked(serving: Serving, answer: ProgramAnswer) -> bytes | _Failed:
    """An output as JSON, or why it is none that its schema allows."""
    failure, output = answer.failure, answer.output
    if failure is not None:
        return _Failed(ProgramError(failure.type, _sound(failure.message), failure.line))
    try:
        encoded = encode(output)
        if serving.output_check.is_valid(output):
            if (
                type(output) is str
                and len(output) <= LONGEST_KNOWN_OUTPUT
                and len(serving.known_outputs) < MOST_KNOWN_OUTPUTS
            ):
                serving.known_outputs[output] = encoded
            return encoded
    except (ValueError, TypeError, RecursionError) as error:
        return _Failed(ProgramError("OutputError", f"the output is no JSON: {error}"))
    failures = serving.output_check.errors(output)
    first = failures[0]
    message = f"{first.path}: {first.message}" if first.path else first.message
    return _Failed(ProgramError("OutputSchemaError", _sound(message)), encoded, failures)


def _failure(
    job: Job, answer: ProgramAnswer, failed: _Failed, execution_id: bytes, end: bytes
) -> Outcome:
    status = "timeout" if is_overrun(answer.failure) else "error"
    latency_ms = answer.latency_us / 1000
    serving = job.serving
    line = (
        b'{"v":1,"execution_id":"%b%b%b,"output":%b,"status":"%b","error":%b,"latency_ms":%.4f%b'
        % (
            execution_id,
            serving.line_middle,
            job.raw,
            failed.output,
            status.encode(),
            encode(failed.error),
            latency_ms,
            end,
        )
    )
    refused = _problem(job, status, failed, execution_id)
    return Outcome(serving.version, status, latency_ms, line, refused.body, refused)


def _problem(job: Job, status: str, failed: _Failed, execution_id: bytes) -> Answer:
    kind = "timeout" if status == "timeout" else "program-error"
    more: dict[str, Any] = {}
    if failed.failures:
        kind = "invalid-output"
        more["errors"] = [
            {"path": f"/output{f.path}", "message": f.message} for f in failed.failures
        ]
    return problem(
        kind,
        f"{failed.error}.",
        execution_id=execution_id.decode(),
        program_version=job.serving.version,
        error=failed.error,
        **more,
    )


def _sound(message: str) -> str:
    """A program's message as something JSON can hold, and of bounded length."""
    return message[:MAX_ERROR_MESSAGE].encode("utf-8", "replace").decode()

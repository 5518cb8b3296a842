"""What a runtime answers, as typed values: an execution, or the failure in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
import msgspec

from runtime.tls.contexts import MAYBE_CERTIFICATE, explain

# RFC 9457: the type of a problem that says no more than its status does.
BLANK = "about:blank"
#: The status of a failure when no answer came at all.
NO_ANSWER = 0
TEMPORARY = (429, 503)


@dataclass(frozen=True, slots=True)
class Execution:
    """One input that was answered. `latency_ms` is the time inside the program."""

    output: Any
    confidence: float | None
    latency_ms: float
    execution_id: str
    program_version: int


class FieldError(NamedTuple):
    """What is wrong at one place of the input or output; `path` is a JSON pointer."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no output, in the terms of problem details (RFC 9457).

    `status` is the HTTP status, `NO_ANSWER` when none came. An execution that failed is in the
    log under `execution_id`; a request that was refused has none.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] = ()
    execution_id: str | None = None
    program_version: int | None = None
    #: What the runtime calls this request in its own log; of a single execution only.
    request_id: str | None = None
    #: Whether the same request may well succeed a little later.
    temporary: bool = False
    retry_after: str | None = None


# Not msgspec: it would quietly send NaN as null.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode_request(value: Any) -> bytes:
    """The body that asks for one input, on one line.

    Raises TypeError or ValueError for an input that is not JSON.
    """
    return _encode({"input": value}).encode()


def decode_answer(body: bytes) -> Execution | Failure:
    """One answer, alone or of a batch. Raises ValueError when it is none of a runtime's."""
    data = msgspec.json.decode(body)
    try:
        if "output" not in data:
            return _failure(data, int(data["status"]))
        return Execution(
            data["output"],
            data.get("confidence"),
            data["latency_ms"],
            data["execution_id"],
            data["program_version"],
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError(f"not an answer of a runtime: {body[:100]!r}") from None


def decode_response(response: httpx.Response) -> Execution | Failure:
    """The answer to one input; anything that is not Loopai's becomes a failure too."""
    if response.status_code != 200:
        return failure_of(response)
    try:
        return decode_answer(response.content)
    except ValueError:
        return no_runtime(response)


def failure_of(response: httpx.Response) -> Failure:
    """What a response that is no success says; a proxy's page is told by its status alone."""
    try:
        data = msgspec.json.decode(response.content)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        data = {"title": response.reason_phrase, "detail": "The answer is not a Loopai runtime's."}
    return _failure(data, response.status_code, response.headers.get("retry-after"))


def no_answer(error: httpx.TransportError) -> Failure:
    """The failure of a request that got no answer.

    It is temporary where the connection failed; a runtime that took too long, or whose
    certificate or ours is refused, is not asked again.
    """
    slow = isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout)
    detail = "The runtime took too long" if slow else "The runtime cannot be reached"
    refused = explain(error)
    reason = refused or str(error) or type(error).__name__
    if not refused and is_cut_short_over_tls(error):
        reason = f"{reason.rstrip('.')} ({MAYBE_CERTIFICATE})"
    return Failure(
        BLANK, "No answer", NO_ANSWER, f"{detail}: {reason}.", temporary=not slow and not refused
    )


def is_cut_short_over_tls(error: httpx.TransportError) -> bool:
    """Whether a server that speaks TLS ended the connection without an answer."""
    cut = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError)
    return cut and error.request.url.scheme == "https"


def not_ready(seconds: float) -> Failure:
    """The failure of a runtime that was waited for in vain."""
    detail = f"The runtime was not ready within {seconds:g} s."
    return Failure(BLANK, "Not ready", NO_ANSWER, detail)


def no_runtime(response: httpx.Response) -> Failure:
    """The failure of a request that something other than a runtime answered."""
    return Failure(
        BLANK,
        "Not a Loopai runtime",
        response.status_code,
        f"What answers at {response.url} is not a Loopai runtime.",
    )


def _failure(data: Mapping[str, Any], status: int, retry_after: str | None = None) -> Failure:
    errors = data.get("errors")
    faults = errors if isinstance(errors, list) else []
    return Failure(
        type=str(data.get("type", BLANK)),
        title=str(data.get("title", "")),
        status=status,
        detail=str(data.get("detail", "")),
        errors=tuple(
            FieldError(str(fault.get("path", "")), str(fault.get("message", "")))
            for fault in faults
            if isinstance(fault, dict)
        ),
        execution_id=data.get("execution_id"),
        program_version=data.get("program_version"),
        request_id=data.get("request_id"),
        temporary=status in TEMPORARY,
        retry_after=retry_after,
    )

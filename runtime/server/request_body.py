"""Reads and decodes the body of a request: bounded in size and depth, every fault in words.

The way of a sound request is short and takes no exception; a faulty one is read again, slowly,
to say what is wrong and where.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

import msgspec

from runtime.server.answers import Answer, problem
from runtime.strict_json import depth, parse_strictly

MAX_DEPTH = 64
# What stands around the input in `{"input": ... }`; more means further keys, or the same twice.
PLAIN_FRAME = len(b'{ "input" :  }')

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ExecuteRequest(msgspec.Struct, gc=False):
    """The body of an execution; keys beside `input` are ignored."""

    input: msgspec.Raw


Decoded = tuple[msgspec.Raw, dict[str, Any]]

_decode_request = msgspec.json.Decoder(ExecuteRequest).decode
_decode_value = msgspec.json.Decoder().decode


async def read_body(receive: Receive, limit: int) -> bytes | Literal["too large", "gone"]:
    """The whole body, never holding more than `limit` bytes and one chunk of it."""
    message = await receive()
    if message["type"] != "http.request":
        return "gone"
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        chunks, size = [body], len(body)
        while message.get("more_body", False) and size <= limit:
            message = await receive()
            if message["type"] != "http.request":
                return "gone"
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
        if size > limit:
            return "too large"
        return b"".join(chunks)
    return body if len(body) <= limit else "too large"


def decode_request(body: bytes) -> Decoded | Answer:
    """The input as it came, on one line, and as a value; or the problem with it (400 or 422)."""
    try:
        raw = _decode_request(body).input
        value = _decode_value(raw)
    except (ValueError, RecursionError) as error:
        return _explain(body, error)
    if len(body) - len(raw) > PLAIN_FRAME and b'"' in body:
        doubled = _check_keys(body)
        if doubled is not None:
            return doubled
    if (
        len(body) > 2 * MAX_DEPTH  # the counting is spared most
        and body.count(b"{") + body.count(b"[") > MAX_DEPTH
        and depth(value) >= MAX_DEPTH
    ):
        return _malformed(f"It is nested deeper than {MAX_DEPTH} levels.")
    if type(value) is not dict:
        return wrong_shape("/input", "must be an object")
    if 10 in body or 13 in body:  # line ends; asking for an integer is the quick question
        # On one line, as the log has it; numbers stay as they were written.
        raw = msgspec.Raw(msgspec.json.format(bytes(raw), indent=-1))
    return raw, value


def wrong_shape(path: str, message: str) -> Answer:
    """422 for a body that is JSON but not `{"input": {...}}`."""
    return problem(
        "invalid-input",
        'The body must be {"input": {...}}.',
        errors=[{"path": path, "message": message}],
    )


def too_large(limit: int) -> Answer:
    """413. The connection is closed: what is left of the body is not read."""
    return problem(
        "body-too-large", f"At most {limit:,} bytes are read.", (b"connection", b"close")
    )


def _malformed(detail: str, **more: Any) -> Answer:
    return problem("malformed-json", detail, **more)


def _check_keys(body: bytes) -> Answer | None:
    """A problem when `input` stands twice: one reader takes the first, another the last."""
    pairs: list[tuple[str, Any]] = []

    def remember(found: list[tuple[str, Any]]) -> None:
        nonlocal pairs
        pairs = found  # the outermost object is the last to end

    try:
        json.loads(body, object_pairs_hook=remember)
    except (ValueError, RecursionError) as error:
        return _explain(body, error)
    if [key for key, _ in pairs].count("input") > 1:
        return _malformed('The key "input" stands twice.')
    return None


def _explain(body: bytes, error: Exception) -> Answer:
    """Why a body was refused, with line and column where JSON itself is broken."""
    if not body.strip():
        return _malformed('The body is empty; send {"input": {...}}.')
    try:
        text = body.decode()
        json.loads(text)
        value = parse_strictly(text)
    except UnicodeDecodeError as fault:
        return _malformed(f"It is not UTF-8 text (byte {fault.start + 1}).")
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno}, column {fault.colno}"
        return _malformed(f"{fault.msg} ({place}).", line=fault.lineno, column=fault.colno)
    except RecursionError:
        return _malformed(f"It is nested deeper than {MAX_DEPTH} levels.")
    except ValueError as fault:
        if "integer string conversion" in str(fault):
            return _malformed("It holds a number with thousands of digits.")
        return _malformed(f"Not JSON by RFC 8259: {fault}.")
    if not isinstance(value, dict):
        return wrong_shape("", "must be an object")
    if "input" not in value:
        return wrong_shape("/input", "is missing")
    return _malformed(f"{error}.")
